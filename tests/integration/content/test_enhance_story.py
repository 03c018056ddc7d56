"""enhance-story from its queue to its story in the content table, on its real worker."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock

from backstay.catalog import Catalog
from backstay.jobs.record import State
from backstay.llm.process import forget_switchboard
from backstay.settings import Environment
from enhance_story.stories import get_story
from tests.integration.conftest import Machine, SettableClock, make_queues

FUNCTIONS = Path(__file__).parents[3] / "functions"
STORY: dict[str, Any] = {"id": "chip", "title": "A chip", "content": "It could be the best chip ever."}


@pytest.fixture
def newsroom(cloud: Environment, clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> Machine:
    for name, value in dataclasses.asdict(cloud).items():
        monkeypatch.setenv(f"BACKSTAY_{name.upper()}", value)
    catalog = Catalog(FUNCTIONS)
    make_queues([catalog.get("enhance-story")])
    return Machine(cloud, catalog, clock)


@pytest.fixture
def model(tmp_path: Path, llmock: LLMock, monkeypatch: pytest.MonkeyPatch) -> Iterator[LLMock]:
    path = tmp_path / "backstay.toml"
    path.write_text(
        f'[providers.house]\nkind = "compatible"\nbase_url = "{llmock.base_url()}"\n'
        '[routes]\ndefault = ["house/tiny"]\n[prices."house/tiny"]\ninput = 1\noutput = 1\n'
    )
    monkeypatch.setenv("BACKSTAY_CONFIG", str(path))
    forget_switchboard()
    yield llmock
    forget_switchboard()


def run(newsroom: Machine, tenant: str = "times") -> str:
    job = newsroom.submit("enhance-story", STORY, tenant=tenant)
    newsroom.deliver("enhance-story", queue="enhance-story-normal", remaining_ms=75_000)
    return job.id


def test_a_story_beyond_the_provider_s_limit_waits_and_uses_up_no_attempt(
    newsroom: Machine, model: LLMock, tmp_path: Path
) -> None:
    with (tmp_path / "backstay.toml").open("a") as file:
        file.write("[providers.house.limits]\nrequests_per_minute = 1\n")
    forget_switchboard()
    assert newsroom.record(run(newsroom)).state is State.COMPLETED
    late = newsroom.record(run(newsroom, tenant="post"))
    assert (late.state, late.reason, late.attempts) == (State.DELAYED, "rate_exceeded", 0)
    assert late.due_at is not None
    assert 50 < (late.due_at - late.created_at).total_seconds() < 120
    assert len(model.requests) == 1


def test_a_story_is_enhanced_and_kept_as_its_tenant_s(newsroom: Machine, model: LLMock) -> None:
    record = newsroom.record(run(newsroom))
    assert record.state is State.COMPLETED
    assert record.receipt is not None
    assert record.receipt.cost_usd > 0
    stored = get_story("times", "chip")
    assert stored is not None
    assert stored.enhanced is not None
    assert stored.enhanced.source == "model"


def test_a_story_that_the_model_refuses_completes_with_local_scores_and_is_kept(
    newsroom: Machine, model: LLMock
) -> None:
    model.fail(400, code="content_policy_violation", message="Refused")
    record = newsroom.record(run(newsroom))
    assert record.state is State.COMPLETED
    stored = get_story("times", "chip")
    assert stored is not None
    assert stored.enhanced is not None
    assert stored.enhanced.source == "local"
    assert stored.enhanced.why.startswith("moderation: house/tiny: 400: Refused; ")


def test_a_story_waits_for_a_model_that_is_down(newsroom: Machine, model: LLMock) -> None:
    model.fail(503)
    record = newsroom.record(run(newsroom))
    assert record.state is State.DELAYED
    assert record.own_failures == 0
