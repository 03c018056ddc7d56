"""The content table in moto."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from backstay import aws
from backstay.content import ContentTable
from backstay.errors import ErrorClass, WorkError
from backstay.settings import Environment
from enhance_story.models import Assessment, EnhancedStory, Scores, Story
from enhance_story.stories import get_story, put_enhanced, put_story

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def table(cloud: Environment) -> ContentTable:
    return ContentTable(cloud.content_table)


def put(table: ContentTable, text: str, minute: int) -> bool:
    edited_at = NOON + timedelta(minutes=minute)
    return table.put_edit("times", "story#1", {"text": text}, fingerprint=text, edited_at=edited_at)


def test_the_newest_edit_is_kept_whatever_the_order(table: ContentTable) -> None:
    assert put(table, "first", 0)
    assert put(table, "third", 2)
    assert not put(table, "second", 1)
    assert table.get("times", "story#1") == {"text": "third"}


def test_the_same_edit_again_changes_nothing(table: ContentTable) -> None:
    assert put(table, "first", 0)
    assert not put(table, "first", 1)


def test_what_one_tenant_keeps_another_does_not_see(table: ContentTable) -> None:
    put(table, "first", 0)
    assert table.get("time", "story#1") is None


def test_a_tenant_s_content_is_deleted_in_bounded_steps_and_no_other_s(table: ContentTable) -> None:
    for number in range(60):
        table.put("times", f"story#{number}", {"n": number})
    table.put("times-2", "story#1", {"n": 1})
    steps = []
    while deleted := table.delete_some("times", most=25):
        steps.append(deleted)
    assert steps == [25, 25, 10]
    assert all(table.get("times", f"story#{number}") is None for number in range(60))
    assert table.get("times-2", "story#1") == {"n": 1}


def test_a_story_comes_back_as_it_was_put(table: ContentTable) -> None:
    story = Story(id="a#b/c", title="Ein Chip ☃", content="x" * 50_000, impact_tags=("jobs",))
    local = Scores(hype_score=0.1, ethics_score=10)
    scores = Assessment(hype_score=7.3, ethics_score=0, reality_check="Check.", eli5_summary="A brain.")
    enhanced = EnhancedStory(
        story_id=story.id, local_scores=local, enhanced_scores=scores, source="model", processing_ms=12
    )
    put_story("times", story, local, NOON, table)
    put_enhanced("times", story, enhanced, table)
    stored = get_story("times", story.id, table)
    assert stored is not None
    assert (stored.story, stored.local_scores, stored.enhanced) == (story, local, enhanced)


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "PutItem"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
    ],
)
def test_trouble_that_passes_costs_the_job_time_and_no_attempt(table: ContentTable, error: Exception) -> None:
    def fail(**_: Any) -> None:
        raise error

    aws.dynamodb().meta.events.register("before-call.dynamodb.PutItem", fail)
    with pytest.raises(WorkError) as caught:
        table.put("times", "story#1", {})
    assert caught.value.failure.error_class is ErrorClass.UNREACHABLE


def test_trouble_that_stays_is_raised_as_it_is(table: ContentTable) -> None:
    with pytest.raises(ClientError, match="ResourceNotFound"):
        ContentTable("nowhere").put("times", "story#1", {})
