"""What alarms and events say."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from backstay.alerts.occurrence import Kind, Occurrence, Severity
from route_alerts.reading import UnreadableEventError, occurrences_of

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def read(event: dict[str, Any]) -> list[Occurrence]:
    return list(occurrences_of(event, "dev", "backstay-dev-"))


def alarm(name: str, state: str = "ALARM", **more: Any) -> dict[str, Any]:
    message = {
        "AlarmName": name,
        "AlarmDescription": "it is deep; look at it",
        "NewStateValue": state,
        "NewStateReason": "1 datapoint",
        "StateChangeTime": "2026-11-25T12:00:00.000+0000",
    }
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(message | more)}}]}


def event(**detail: Any) -> dict[str, Any]:
    told = {"rule": "api.circuit_breaker", "source": "provider:openai", "text": "it is open"}
    return {
        "id": "e1",
        "source": "backstay.dev.api",
        "detail-type": "api.circuit_breaker",
        "time": "2026-11-25T12:00:00Z",
        "detail": told | detail,
    }


@pytest.mark.parametrize(("state", "kind"), [("ALARM", Kind.BEGINS), ("OK", Kind.ENDS)])
def test_an_alarm_begins_and_ends(state: str, kind: Kind) -> None:
    (found,) = read(alarm("backstay-dev-worker.queue_depth/obey-high", state))
    assert (found.rule, found.source, found.kind, found.at) == ("worker.queue_depth", "obey-high", kind, NOON)
    assert (found.text, found.details["reason"]) == ("it is deep; look at it", "1 datapoint")


def test_an_alarm_that_lacks_data_is_no_news() -> None:
    assert read(alarm("backstay-dev-worker.queue_depth/obey", "INSUFFICIENT_DATA")) == []


def test_an_alarm_without_a_description_or_a_reason_is_told_by_its_name() -> None:
    (found,) = read(alarm("backstay-dev-a.b/c", AlarmDescription=None, NewStateReason=None))
    assert found.text == "backstay-dev-a.b/c"


@pytest.mark.parametrize(
    ("source", "period"),
    [
        ("total.daily", "2026-11-25"),
        ("provider:openai.monthly", "2026-11"),
        ("provider:anthropic:yearly", "2026"),
        ("total", None),
    ],
)
def test_an_alarm_about_a_budget_is_one_of_its_period(source: str, period: str | None) -> None:
    (found,) = read(alarm(f"backstay-dev-cost.budget_critical/{source}"))
    assert (found.source, found.once_in) == (source, period)


def test_other_alarms_are_of_no_period() -> None:
    (found,) = read(alarm("backstay-dev-worker.unhealthy/reports.daily"))
    assert found.once_in is None


def test_somebody_elses_alarm_at_our_topic_is_not_lost() -> None:
    (found,) = read(alarm("Their alarm/1"))
    assert (found.rule, found.source) == ("system.alarm", "Their-alarm-1")
    assert found.details["alarm"] == "Their alarm/1"


def test_an_event_says_what_it_wants_and_the_rest_is_taken_from_around_it() -> None:
    (bare,) = read(event())
    assert (bare.kind, bare.at, bare.id, bare.severity) == (Kind.HAPPENED, NOON, "e1", None)
    (whole,) = read(event(kind="begins", at="2026-11-25T11:59:59.500Z", id="mine", severity="critical", tenant="acme"))
    assert (whole.kind, whole.id, whole.severity, whole.tenant) == (Kind.BEGINS, "mine", Severity.CRITICAL, "acme")
    assert whole.at.isoformat() == "2026-11-25T11:59:59.500000+00:00"


def test_what_is_too_long_is_cut() -> None:
    (found,) = read(event(text="x" * 10_000, source="y" * 1_000))
    assert (len(found.text), len(found.source)) == (4000, 200)


@pytest.mark.parametrize("detail", [{"rule": "nonsense"}, {"source": ""}, {"severity": "bad"}, {"kind": "goes on"}])
def test_an_event_that_makes_no_sense_is_refused_and_so_kept(detail: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        read(event(**detail))


@pytest.mark.parametrize("source", ["backstay.prod.api", "aws.states", ""])
def test_events_of_others_are_refused(source: str) -> None:
    with pytest.raises(UnreadableEventError):
        read({**event(), "source": source})
