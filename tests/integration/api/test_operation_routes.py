"""Statistics and pausing."""

from typing import Any

import pytest

from backstay import aws


def test_statistics_have_every_task_and_a_total(client) -> None:
    answer = client()("GET", "/api/stats")

    assert answer.status == 200, answer.text
    assert [task["task"] for task in answer.json["tasks"]] == ["act", "obey", "obey-frozen", "obey-in-order"]
    assert answer.json["total"]["waiting"] == 0
    assert answer.json["total"]["dead_letters"] == 0
    assert isinstance(answer.json["providers"], list)


def test_a_tenants_statistics_are_its_own(client) -> None:
    answer = client("newsroom")("GET", "/api/stats")

    assert answer.status == 200, answer.text
    assert answer.json["total"]["dead_letters"] is None


class EventSources:
    """Lambda's event sources, as far as pausing needs them, at the edge of botocore."""

    def __init__(self) -> None:
        self.mappings = {f"{number:036d}": True for number in range(2)}
        events = aws.awslambda().meta.events
        events.register("before-call.lambda.ListEventSourceMappings", self.list_mappings)
        events.register("before-call.lambda.UpdateEventSourceMapping", self.update)

    def list_mappings(self, **_: Any) -> tuple[Any, dict[str, Any]]:
        listed = [{"UUID": uuid, "State": "Enabled" if is_on else "Disabled"} for uuid, is_on in self.mappings.items()]
        return _Ok(), {"EventSourceMappings": listed, "ResponseMetadata": {}}

    def update(self, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        self.mappings[params["url_path"].rsplit("/", 1)[1]] = b"true" in params["body"]
        return _Ok(), {"ResponseMetadata": {}}


class _Ok:
    status_code = 200


@pytest.fixture
def event_sources(cloud: object) -> EventSources:
    return EventSources()


def test_pausing_switches_every_event_source_off_and_resuming_on(client, event_sources: EventSources) -> None:
    caller = client()

    assert caller("POST", "/api/tasks/obey/pause").json == {"task": "obey", "paused": True}
    assert set(event_sources.mappings.values()) == {False}
    assert next(t for t in caller("GET", "/api/stats").json["tasks"] if t["task"] == "obey")["paused"] is True
    assert caller("POST", "/api/tasks/obey/resume").json == {"task": "obey", "paused": False}
    assert set(event_sources.mappings.values()) == {True}


def test_a_task_without_event_source_can_not_be_paused(client, event_sources: EventSources) -> None:
    event_sources.mappings.clear()
    answer = client()("POST", "/api/tasks/obey/pause")

    assert answer.status == 409
    assert "is the stack deployed?" in answer.json["detail"]


def test_an_unknown_task_can_not_be_paused(client) -> None:
    answer = client()("POST", "/api/tasks/fly/pause")

    assert answer.status == 404
    assert "the tasks are act, obey" in answer.json["detail"]
