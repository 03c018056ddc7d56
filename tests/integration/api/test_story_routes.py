"""POST and GET /api/stories."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backstay import aws
from backstay.settings import Environment

STORY = {
    "id": "story 1: ä",
    "title": "A revolutionary chip",
    "content": "It changes everything, its makers say.",
    "sector_tag": "hardware",
    "impact_tags": ["privacy"],
}
PATH = "/api/stories/story%201%3A%20%C3%A4"


@pytest.fixture
def handler(cloud: Environment) -> Iterator[Callable[..., dict[str, Any]]]:
    """The handler over the tasks of functions/, whose story task it serves."""
    from api.handler import handler
    from api.services import Services, use

    for queue in ("enhance-story-high", "enhance-story-normal", "enhance-story-low", "enhance-story-dead"):
        aws.sqs().create_queue(QueueName=f"backstay-test-{queue}")
    use(Services(cloud, Path(__file__).parents[3] / "functions"))
    yield handler
    use(None)


def test_a_story_is_stored_scored_at_once_and_submitted(client, cloud) -> None:
    caller = client("newsroom")
    answer = caller("POST", "/api/stories", STORY)

    assert answer.status == 202, answer.text
    assert answer.headers["location"] == PATH
    assert set(answer.json["local_scores"]) == {"hype_score", "ethics_score"}
    job = caller("GET", f"/api/jobs/{answer.json['job']['id']}").json
    assert job["task"] == "enhance-story"
    assert job["preview"] == answer.json["local_scores"]
    stored = caller("GET", PATH).json
    assert stored["story"] == STORY
    assert stored["local_scores"] == answer.json["local_scores"]
    assert stored["enhanced"] is None


def test_the_same_edit_again_is_the_same_job_and_another_edit_is_not(client) -> None:
    caller = client()
    first, again = (caller("POST", "/api/stories", STORY) for _ in range(2))
    edited = caller("POST", "/api/stories", {**STORY, "content": "Now with figures: 3 % faster."})

    assert (first.status, again.status, edited.status) == (202, 200, 202)
    assert first.json["job"]["id"] == again.json["job"]["id"] != edited.json["job"]["id"]
    assert caller("GET", PATH).json["story"]["content"].startswith("Now")


def test_a_wrong_story_is_422_and_nothing_is_stored(client) -> None:
    caller = client()
    answer = caller("POST", "/api/stories", {**STORY, "title": "", "mood": "good"})

    assert answer.status == 422
    assert set(answer.fields) == {"title", "mood"}
    assert caller("GET", PATH).status == 404


@pytest.mark.parametrize("story_id", ["a/b", "50%", "a?b", "a#b", "..", "a\nb"])
def test_an_id_that_no_url_could_name_is_refused(client, story_id: str) -> None:
    answer = client()("POST", "/api/stories", {**STORY, "id": story_id})

    assert answer.status == 422
    assert "stands in a URL" in answer.fields["id"]


@pytest.mark.parametrize("path", [PATH, "/api/stories/story 1: ä"])
def test_a_story_is_found_whether_or_not_the_gateway_decodes_paths(client, path: str) -> None:
    caller = client()
    caller("POST", "/api/stories", STORY)

    assert caller("GET", path).json["story"]["id"] == STORY["id"]


def test_a_priority_chooses_the_queue(client, cloud) -> None:
    answer = client()("POST", "/api/stories", STORY, query={"priority": "low"})

    assert answer.json["job"]["priority"] == "low"
    assert aws.sqs().receive_message(QueueUrl=cloud.queue_url("enhance-story-low"))["Messages"]
    assert client()("POST", "/api/stories", STORY, query={"priority": "asap"}).status == 422


def test_another_tenants_story_is_not_to_be_seen(client) -> None:
    client("sports")("POST", "/api/stories", STORY)

    assert client("newsroom")("GET", PATH).status == 404
    assert client("newsroom")("GET", PATH, query={"tenant": "sports"}).status == 403
    assert client("*")("GET", PATH, query={"tenant": "sports"}).status == 200


def test_the_document_shows_what_a_story_is(stranger) -> None:
    document = stranger("GET", "/openapi.json").json

    body = document["paths"]["/api/stories"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/enhance-story.input"}
    for name in ("deliver-webhook", "redrive-dead-letters", "delete-tenant-data", "settle-step", "wake-parked-jobs"):
        assert name not in document["x-tasks"]
