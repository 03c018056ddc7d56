"""Sagas at the terminal: what is printed, and what the exit code says. The API is a fake; the rest is real."""

import json
from typing import Any

import pytest

from cli.local.state import StateDirectory
from cli.problems import ExitCode
from tests.unit.cli.terminal import FakeApi, backstay

ID = "acme.abc"
RUN: dict[str, Any] = {
    "id": ID,
    "saga": "publish",
    "tenant": "acme",
    "state": "running",
    "started_at": "2026-11-25T03:00:00.000Z",
    "duration_ms": None,
    "waits_for": None,
    "error": None,
}


def step(name: str, state: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "task", "task": "obey", "state": state, "attempts": 1, "run_ms": 120, **more}


GOING = RUN | {"steps": [step("write", "completed"), step("send", "active")], "undone": [], "cost_usd": "0"}
UNDONE = GOING | {
    "state": "compensated",
    "error": {"class": "rejected", "message": "[no]"},
    "steps": [
        step("write", "completed", undo={"state": "completed"}, is_undone=True),
        step("send", "failed", error={"class": "rejected", "message": "[no]"}),
    ],
    "undone": ["write"],
    "duration_ms": 2500,
}
DONE = GOING | {"state": "completed", "steps": [step("write", "completed"), step("send", "completed")]}


def test_a_run_is_started_with_what_the_options_say(api: FakeApi, state: StateDirectory) -> None:
    api.says("POST /api/sagas/publish/runs", (202, RUN))
    words = ("--key", "k", "--tenant", "acme", "--pre-approved")
    ran = backstay(state, "saga", "start", "publish", "--input", "-", *words, stdin='{"text": "x"}')
    assert ran.exit_code == ExitCode.OK
    assert ran.stdout.split() == [ID, "running"]
    (_, body, _) = api.asked[0]
    assert body == {"input": {"text": "x"}, "idempotency_key": "k", "tenant": "acme", "pre_approved": True}


def test_watching_tells_every_step_as_it_goes_and_ends_with_the_run(api: FakeApi, state: StateDirectory) -> None:
    api.says(f"GET /api/runs/{ID}", (200, GOING), (200, UNDONE))
    ran = backstay(state, "saga", "show", ID, "--watch")
    assert ran.exit_code == ExitCode.FAILED
    assert [line.strip() for line in ran.stderr.splitlines() if line.strip()] == [
        "write: completed",
        "send: active",
        "run: running",
        "write: undo completed",
        "send: failed rejected: [no]",
        "run: compensated rejected: [no]",
    ]
    assert "undone write" in ran.stdout
    assert "took 2.5 s" in ran.stdout
    api.says("POST /api/sagas/publish/runs", (202, RUN))
    api.says(f"GET /api/runs/{ID}", (200, DONE))
    watched = backstay(state, "saga", "start", "publish", "--input", "-", "--watch", "--json", stdin="{}")
    assert watched.exit_code == ExitCode.OK
    assert json.loads(watched.stdout)["state"] == "completed"


def test_a_run_is_drawn_with_its_steps(api: FakeApi, state: StateDirectory) -> None:
    api.says(f"GET /api/runs/{ID}", (200, UNDONE))
    ran = backstay(state, "saga", "show", ID)
    assert ran.exit_code == ExitCode.OK
    lines = ran.stdout.splitlines()
    assert lines[0].split()[:3] == [ID, "publish", "compensated"]
    assert any("write" in line and line.startswith("↶") for line in lines)
    assert any("send" in line and "rejected: [no]" in line for line in lines), "markup is shown to the letter"


def test_what_a_person_must_look_after_is_said_below_the_steps(api: FakeApi, state: StateDirectory) -> None:
    standing = [{"step": "send", "why": "in_doubt"}, {"step": "write", "why": "undo_failed"}]
    api.says(f"GET /api/runs/{ID}", (200, UNDONE | {"standing": standing, "saga_has_changed": True}))
    lines = backstay(state, "saga", "show", ID).stdout.splitlines()
    assert lines[-4:] == [
        "send may have had its effect, and has no undo: look after it",
        "write is not undone: its effect stands",
        "saga publish has changed since this run was started; these are the steps as they were",
        f"do it anew: backstay saga redrive {ID}",
    ]


def test_why_a_step_stands_where_it_does_is_said_beside_it(api: FakeApi, state: StateDirectory) -> None:
    approval = step(
        "agree",
        "approved",
        kind="approval",
        answered_by="key-1",
        output={"why": "fine"},
    )
    stuck = step("write", "completed", undo={"state": "failed", "error": {"class": "rejected", "message": "no"}})
    api.says(f"GET /api/runs/{ID}", (200, GOING | {"state": "compensation_failed", "steps": [stuck, approval]}))
    ran = backstay(state, "saga", "show", ID).stdout
    assert "by key-1: fine" in ran
    assert "undo rejected: no" in ran
    assert f"then: backstay saga redrive {ID}" in ran


def test_what_is_stuck_is_said(api: FakeApi, state: StateDirectory) -> None:
    for step_name, what in (("send", "step send"), (None, "the run")):
        stuck = {"step": step_name, "since": "2026-11-25T03:00:00.000Z", "limit_s": 900}
        api.says(f"GET /api/runs/{ID}", (200, GOING | {"stuck": stuck}))
        assert f"stuck: {what} has taken longer than 900 s" in backstay(state, "saga", "show", ID).stdout


def test_a_run_that_is_done_anew_names_the_new_one(api: FakeApi, state: StateDirectory) -> None:
    api.says(f"GET /api/runs/{ID}", (200, UNDONE | {"links": {"redriven_as": "/api/runs/acme.new"}}))
    ran = backstay(state, "saga", "show", ID).stdout
    assert "anew as acme.new" in ran
    assert "redrive" not in ran


@pytest.mark.parametrize(
    ("words", "call", "body"),
    [
        (("approve", ID, "--reason", "fine"), "approve", {"reason": "fine"}),
        (("reject", ID), "reject", {"reason": ""}),
        (("abort", ID), "abort", {}),
        (("redrive", ID), "redrive", {}),
    ],
)
def test_what_a_person_says_goes_to_the_run(
    words: tuple[str, ...], call: str, body: dict[str, str], api: FakeApi, state: StateDirectory
) -> None:
    api.says(f"POST /api/runs/{ID}/{call}", (200, RUN))
    assert backstay(state, "saga", *words).exit_code == ExitCode.OK
    assert api.asked[0][1] == body
    api.says(f"POST /api/runs/{ID}/{call}", (409, {"detail": f"run {ID} is completed"}))
    refused = backstay(state, "saga", *words)
    assert refused.exit_code == ExitCode.CONFLICT
    assert "is completed" in refused.stderr
    assert "backstay saga show" in refused.stderr


def test_runs_are_listed(api: FakeApi, state: StateDirectory) -> None:
    waiting = RUN | {"state": "waiting_for_approval", "waits_for": {"step": "agree", "event": "agree-approved"}}
    api.says("GET /api/runs?limit=20&state=waiting_for_approval", (200, {"runs": [waiting], "cursor": None}))
    ran = backstay(state, "saga", "runs", "--state", "waiting_for_approval")
    assert ran.exit_code == ExitCode.OK
    assert ran.stdout.splitlines()[1].split() == [
        ID, "publish", "waiting_for_approval", "11-25", "03:00Z", "waits", "for", "agree",
    ]  # fmt: skip


def test_sagas_are_listed_with_how_their_runs_did_and_drawn(api: FakeApi, state: StateDirectory) -> None:
    saga = {"name": "publish", "steps": [{"name": "write"}, {"name": "send"}], "picture": "flowchart TD\n  a[x]"}
    numbers = {
        "saga": "publish", "started": 4, "running": 1, "completed": 2, "failed": 1, "stuck": 0,
        "ends": {"aborted": 3},
        "error_rate": 1 / 3, "average_duration_s": 2.0, "p95_duration_s": 3.5,
    }  # fmt: skip
    api.says("GET /api/sagas", (200, {"sagas": [saga]}))
    api.says("GET /api/workflows", (200, {"workflows": [numbers]}))
    ran = backstay(state, "saga", "ls")
    assert ran.exit_code == ExitCode.OK
    assert ran.stdout.splitlines()[1].split() == [
        "publish", "2", "4", "1", "2", "1", "3", "33%", "2.0", "s", "3.5", "s", "0",
    ]  # fmt: skip
    assert "a[x]" in backstay(state, "saga", "ls", "--picture").stdout
