"""Alerts at the terminal: what is printed, and what is sent. The API is a fake; the rest is real."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.local.state import StateDirectory
from cli.problems import ExitCode
from tests.unit.cli.terminal import FakeApi, backstay

SINCE, LATER = "2026-11-25T12:00:00.000Z", "2026-11-25T12:10:00.000Z"
ALERT: dict[str, Any] = {
    "id": "abc",
    "rule": "worker.dead_letter",
    "category": "worker",
    "source": "enhance-story",
    "severity": "critical",
    "state": "open",
    "text": "messages lie in the dead letter queue: 'backstay dlq ls'",
    "tenant": None,
    "details": {"reason": "1 datapoint"},
    "count": 2,
    "opened_at": SINCE,
    "last_at": LATER,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "resolved_at": None,
    "resolved_by": None,
    "muted_by": None,
    "deliveries": [
        {"channel": "pagerduty", "state": "failed", "at": LATER, "error": "it answered 500"},
        {"channel": "slack", "state": "sent", "at": LATER, "error": None},
    ],
}
MUTED = ALERT | {"id": "def", "muted_by": "silence-1", "deliveries": []}
SILENCE = {"id": "silence-1", "covers": "rule", "value": "worker.dead_letter", "begins_at": SINCE, "ends_at": LATER}
SILENCE |= {"by": "k1", "reason": "known"}
WINDOW = {"id": "maintenance-1", "categories": [], "begins_at": SINCE, "ends_at": LATER, "by": "k1", "reason": ""}


def test_unresolved_alerts_are_listed_with_who_was_told(api: FakeApi, state: StateDirectory) -> None:
    api.says("GET /api/alerts?limit=50&state=unresolved", (200, {"alerts": [ALERT, MUTED], "cursor": None}))
    api.says("GET /api/alerts?limit=50", (200, {"alerts": [], "cursor": None}))
    lines = backstay(state, "alerts", "ls").stdout.splitlines()
    assert lines[1].split()[:6] == ["abc", "critical", "open", "worker.dead_letter", "enhance-story", "2"]
    assert lines[1].rstrip().endswith("pagerduty (failed), slack")
    assert lines[2].rstrip().endswith("nobody: silence-1")
    assert backstay(state, "alerts", "ls", "--all").stdout == "no alerts\n"


def test_one_alert_is_shown_with_what_to_do_and_what_became_of_its_messages(
    api: FakeApi, state: StateDirectory
) -> None:
    api.says("GET /api/alerts/abc", (200, ALERT))
    shown = backstay(state, "alerts", "show", "abc").stdout
    for part in ("backstay dlq ls", "2 times", "1 datapoint", "pagerduty failed", ": it answered 500", "slack sent"):
        assert part in shown
    assert json.loads(backstay(state, "alerts", "show", "abc", "--json").stdout) == ALERT


@pytest.mark.parametrize(("word", "action"), [("ack", "acknowledge"), ("resolve", "resolve")])
def test_an_alert_is_acknowledged_and_resolved(api: FakeApi, state: StateDirectory, word: str, action: str) -> None:
    api.says(f"POST /api/alerts/abc/{action}", (200, ALERT | {"state": "resolved"}))
    assert backstay(state, "alerts", word, "abc").stdout == "abc resolved worker.dead_letter enhance-story\n"


def test_a_silence_is_added_listed_and_ended(api: FakeApi, state: StateDirectory) -> None:
    api.says("POST /api/silences", (200, SILENCE))
    api.says("GET /api/silences", (200, {"silences": [SILENCE]}))
    api.says("DELETE /api/silences/silence-1", (200, SILENCE))
    added = backstay(state, "alerts", "silence", "add", "--rule", "worker.dead_letter", "--reason", "known")
    assert added.stdout.startswith("silence-1: nobody is told of rule worker.dead_letter from 2026")
    assert api.asked[0][1] == {"rule": "worker.dead_letter", "minutes": 60, "reason": "known"}
    assert "rule worker.dead_letter" in backstay(state, "alerts", "silence", "ls").stdout
    assert backstay(state, "alerts", "silence", "end", "silence-1").stdout == f"silence-1 ended {LATER}\n"


@pytest.mark.parametrize("words", [(), ("--rule", "a.b", "--source", "c")])
def test_a_silence_names_one_thing(api: FakeApi, state: StateDirectory, words: tuple[str, ...]) -> None:
    result = backstay(state, "alerts", "silence", "add", *words)
    assert (result.exit_code, api.asked) == (ExitCode.USAGE, [])


def test_maintenance_is_planned_in_utc_listed_and_called_off(api: FakeApi, state: StateDirectory) -> None:
    api.says("POST /api/maintenance-windows", (200, WINDOW))
    api.says("GET /api/maintenance-windows", (200, {"maintenance_windows": [WINDOW]}))
    api.says("DELETE /api/maintenance-windows/maintenance-1", (200, WINDOW))
    span = ("--from", "2026-12-01T22:00", "--until", "2026-12-02T00:30:00+02:00")
    added = backstay(state, "alerts", "maintenance", "add", "--category", "worker", *span)
    assert "nobody is told of all categories" in added.stdout
    body = api.asked[0][1]
    assert (body["categories"], body["begins_at"]) == (["worker"], "2026-12-01T22:00:00+00:00")
    assert body["ends_at"] == "2026-12-02T00:30:00+02:00"
    assert "maintenance-1" in backstay(state, "alerts", "maintenance", "ls").stdout
    assert "ended" in backstay(state, "alerts", "maintenance", "end", "maintenance-1").stdout


def test_maintenance_from_now_on_lasts_as_long_as_one_says(api: FakeApi, state: StateDirectory) -> None:
    api.says("POST /api/maintenance-windows", (200, WINDOW))
    before = datetime.now(UTC)
    backstay(state, "alerts", "maintenance", "add", "--minutes", "30")
    body = api.asked[0][1]
    assert (body["categories"], body["begins_at"]) == ([], None)
    assert before <= datetime.fromisoformat(body["ends_at"]) - timedelta(minutes=30) <= datetime.now(UTC)


@pytest.mark.parametrize("words", [(), ("--until", "tomorrow"), ("--until", "2026-12-01", "--minutes", "5")])
def test_maintenance_without_a_plain_end_is_refused(
    api: FakeApi, state: StateDirectory, words: tuple[str, ...]
) -> None:
    result = backstay(state, "alerts", "maintenance", "add", *words)
    assert (result.exit_code, api.asked) == (ExitCode.USAGE, [])
