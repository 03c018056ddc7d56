"""Alerts from an event on the bus to people, who here are the receiver and the mailbox of the embedded cloud."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from backstay.clock import iso

from .stack import Json, Stack

pytestmark = pytest.mark.e2e

SCALE = 1 / 6_000
"""Escalation's minutes pass in a hundredth of a second."""


@pytest.fixture
def quick(stack: Stack) -> Iterator[None]:
    """Step Functions' waits are short."""
    for scale in (SCALE, 1):
        change = {"stepfunctions._SFN_WAIT_SCALE": scale}
        httpx.post(f"{stack.cloud.endpoint_url}/_ministack/config", json=change, trust_env=False).raise_for_status()
        if scale != 1:
            yield


class People:
    """What they have read of one source."""

    def __init__(self, stack: Stack, source: str) -> None:
        self._stack, self._source = stack, source

    def read(self, channel: str) -> list[Json]:
        """Bodies that a channel of the receiver got."""
        kept = httpx.get(f"{self._stack.cloud.inbox_url}/alerts/{channel}", trust_env=False).json()
        return [json.loads(one["body"]) for one in kept if self._source in one["body"]]

    def actions(self, alert_id: str) -> list[str]:
        """What PagerDuty was asked to do, whose later events name the alert only by its key."""
        kept = httpx.get(f"{self._stack.cloud.inbox_url}/alerts/pagerduty", trust_env=False).json()
        events = [json.loads(one["body"]) for one in kept]
        return [event["event_action"] for event in events if event["dedup_key"] == f"backstay-{alert_id}"]

    def emails(self) -> list[Json]:
        """Emails."""
        sent = httpx.get(f"{self._stack.cloud.endpoint_url}/_ministack/ses/messages", trust_env=False).json()
        return [email for email in _emails_in(sent) if self._source in email["Subject"]]


def _emails_in(found: Any) -> Iterator[Json]:
    """The emulator lists them by account and region."""
    if isinstance(found, dict) and "Subject" in found:
        yield found
    elif isinstance(found, dict | list):
        for inner in found.values() if isinstance(found, dict) else found:
            yield from _emails_in(inner)


def happen(stack: Stack, rule: str, source: str) -> None:
    """Tell the bus, as our own functions do."""
    detail = {"rule": rule, "source": source, "text": f"Something is the matter with {source}"}
    entry = {
        "Source": f"backstay.{stack.cloud.stage}.{rule.partition('.')[0]}",
        "DetailType": rule,
        "Detail": json.dumps(detail),
    }
    assert not stack.client("events").put_events(Entries=[entry])["FailedEntryCount"]


def alert_about(stack: Stack, source: str) -> Json:
    """The alert, once it is on record."""

    def look() -> Json | None:
        alerts = stack.get("/api/alerts")["alerts"]
        return next((alert for alert in alerts if alert["source"] == source), None)

    return stack.until(look, seconds=90)


def arrived(stack: Stack, look: Callable[[], Any], times: int = 1) -> Any:
    """What is seen once there is so much of it; what is tried again comes within half a minute."""
    return stack.until(lambda: seen if len(seen := look()) >= times else None, seconds=90)


def test_an_alert_escalates_to_every_channel_and_all_of_them_hear_of_its_end(stack: Stack, quick: None) -> None:
    source = f"import-{datetime.now(UTC):%H%M%S%f}"
    people = People(stack, source)
    happen(stack, "worker.dead_letter", source)
    alert = alert_about(stack, source)
    assert (alert["state"], alert["severity"]) == ("open", "critical")

    [told] = arrived(stack, lambda: people.read("slack"))
    assert told["text"] == f"CRITICAL worker.dead_letter: {source}: Something is the matter with {source}"
    arrived(stack, lambda: people.actions(alert["id"]))
    [email] = arrived(stack, people.emails)
    assert email["Subject"] == f"[backstay {stack.cloud.stage}] CRITICAL worker.dead_letter: {source}"

    happen(stack, "worker.dead_letter", source)
    stack.until(lambda: alert_about(stack, source)["count"] == 2 or None)
    stack.post(f"/api/alerts/{alert['id']}/acknowledge")
    arrived(stack, lambda: people.actions(alert["id"]), 2)
    stack.post(f"/api/alerts/{alert['id']}/resolve")

    arrived(stack, lambda: people.actions(alert["id"]), 3)
    assert people.actions(alert["id"]) == ["trigger", "acknowledge", "resolve"]
    messages = arrived(stack, lambda: people.read("slack"), 2)
    assert messages[1]["text"].startswith(f"RESOLVED worker.dead_letter: {source}")
    assert len(arrived(stack, people.emails, 2)) == 2
    deliveries = stack.get(f"/api/alerts/{alert['id']}")["deliveries"]
    assert {(one["channel"], one["state"]) for one in deliveries} == {
        (channel, "sent") for channel in ("slack", "pagerduty", "email")
    }


def test_a_channel_that_is_down_holds_up_no_other_and_is_told_once_it_is_back(stack: Stack) -> None:
    source = f"outage-{datetime.now(UTC):%H%M%S%f}"
    people = People(stack, source)
    down = {"fail": "1", "status": "503", "holding": source}
    httpx.put(f"{stack.cloud.inbox_url}/alerts/slack", params=down, trust_env=False).raise_for_status()
    happen(stack, "worker.dead_letter", source)
    alert = alert_about(stack, source)
    arrived(stack, lambda: people.actions(alert["id"]))
    assert len(arrived(stack, lambda: people.read("slack"), 2)) == 2  # one was refused
    stack.post(f"/api/alerts/{alert['id']}/resolve")


def test_in_a_maintenance_window_nobody_is_told_and_all_of_it_is_listed(stack: Stack) -> None:
    source = f"migration-{datetime.now(UTC):%H%M%S%f}"
    now = datetime.now(UTC)
    window = {"categories": ["database"], "ends_at": iso(now + timedelta(hours=1))}
    made = stack.post("/api/maintenance-windows", window)
    try:
        happen(stack, "database.errors", source)
        alert = alert_about(stack, source)
        assert (alert["state"], alert["muted_by"]) == ("open", made["id"])
        sfn = stack.client("stepfunctions")
        machine = f"arn:aws:states:us-east-1:000000000000:execution:backstay-{stack.cloud.stage}-escalate-alert"
        with pytest.raises(sfn.exceptions.ExecutionDoesNotExist):
            sfn.describe_execution(executionArn=f"{machine}:{alert['id']}")
        assert People(stack, source).read("slack") == []
    finally:
        stack.request("DELETE", f"/api/maintenance-windows/{made['id']}")
