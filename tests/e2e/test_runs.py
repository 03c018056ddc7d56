"""Runs of sagas from outside: through the API and at the terminal. One sentence a test."""

import json
import uuid

import pytest

from tests.receivers import receiver, status

from .conftest import Backstay
from .runs import read, start, until
from .stack import Json, Stack

pytestmark = pytest.mark.e2e


def states_of(run: Json) -> dict[str, str]:
    return {step["name"]: step["state"] for step in run["steps"]}


def test_a_run_waits_for_a_person_and_for_another_run_and_both_let_it_go_on(stack: Stack):
    waiting = start(stack, "meet", {})
    run = until(stack, waiting, "waiting_for_approval")
    assert run["waits_for"]["step"] == "consent"
    assert states_of(run) == {"prepare": "completed", "consent": "waiting", "listen": "pending", "answer": "pending"}
    stack.post(run["links"]["approve"], {"reason": "fine"})
    until(stack, waiting, "waiting_for_signal")

    teller = until(stack, start(stack, "tell", {"text": waiting}))
    assert teller["state"] == "completed", teller
    assert teller["steps"][0]["output"]["result"] == {"event": "greeting", "delivered": True}
    done = until(stack, waiting)
    assert done["state"] == "completed"
    assert states_of(done) == {
        "prepare": "completed", "consent": "approved", "listen": "received", "answer": "completed",
    }  # fmt: skip
    assert done["steps"][3]["output"]["text"] == "hello from the other run"
    assert done["steps"][2]["answered_by"] == teller["id"]

    late = until(stack, start(stack, "tell", {"text": waiting}))
    assert late["state"] == "failed"
    assert "has ended: it is completed" in late["error"]["message"]


def test_a_rejected_run_is_undone_and_ends_aborted(stack: Stack):
    run_id = start(stack, "meet", {})
    until(stack, run_id, "waiting_for_approval")
    stack.post(f"/api/runs/{run_id}/reject", {"reason": "too dear"})
    run = until(stack, run_id)
    assert (run["state"], run["undone"]) == ("aborted", ["prepare"])
    assert "too dear" in run["error"]["message"]
    assert stack.request("POST", f"/api/runs/{run_id}/approve").status_code == 409


def test_an_aborted_run_is_undone(stack: Stack):
    run_id = start(stack, "meet", {})
    until(stack, run_id, "waiting_for_approval")
    stack.post(f"/api/runs/{run_id}/abort")
    run = until(stack, run_id)
    assert (run["state"], run["undone"], run["executions"]) == ("aborted", ["prepare"], 2)


def test_a_failed_run_is_redriven_from_the_step_that_failed(stack: Stack):
    with receiver() as outside:
        outside.answers(status(503))
        run_id = start(stack, "try-again", {"url": outside.url()})
        failed = until(stack, run_id, "failed")
        assert states_of(failed) == {"prepare": "completed", "call": "failed"}
        assert failed["error"]["class"] == "task_error"
        outside.answers(status(200))
        stack.post(failed["links"]["redrive"])
        done = until(stack, run_id, "completed")
    assert (done["redrives"], done["error"]) == (1, None)
    assert done["steps"][0]["job_id"] == failed["steps"][0]["job_id"]
    assert done["steps"][0]["finished_at"] == failed["steps"][0]["finished_at"], "nothing that succeeded is repeated"


def test_a_compensated_run_is_redriven_as_another(stack: Stack):
    run_id = start(stack, "carry", {"reject": True})
    run = until(stack, run_id, "compensated")
    assert run["undone"] == ["lift"]
    anew = stack.post(f"/api/runs/{run_id}/redrive")
    assert anew["links"]["redrive_of"] == f"/api/runs/{run_id}"
    assert until(stack, anew["id"])["state"] == "compensated"
    assert read(stack, run_id)["links"]["redriven_as"] == f"/api/runs/{anew['id']}"


def test_what_could_not_be_undone_is_undone_by_a_redrive_and_nothing_else_again(stack: Stack):
    with receiver() as outside:
        outside.answers(status(503))
        run_id = start(stack, "hard-to-undo", {"url": outside.url()})
        failed = until(stack, run_id, "compensation_failed")
        assert (failed["undone"], failed["standing"]) == (["easy"], [{"step": "hard", "why": "undo_failed"}])
        outside.answers(status(200))
        stack.post(failed["links"]["redrive"])
        run = until(stack, run_id, "compensated")
    assert (run["undone"], run["standing"], run["redrives"]) == (["hard", "easy"], [], 1)
    assert run["steps"][0]["undo"] == failed["steps"][0]["undo"], "what is undone is not undone again"
    assert run["error"]["message"] == "told to reject", "the first failure is still told"


def test_a_run_that_waits_in_vain_is_undone(stack: Stack):
    with receiver() as outside:
        run = until(stack, start(stack, "hard-to-undo", {"url": outside.url(), "hopes": True}))
    assert (run["state"], run["undone"]) == ("compensated", ["hard", "easy"])
    assert states_of(run) == {"easy": "completed", "hard": "completed", "hope": "timed_out", "fail": "pending"}


def test_a_run_shares_state_and_says_that_it_is_done(stack: Stack):
    source, target = start(stack, "meet", {}), start(stack, "meet", {})
    for run_id in (source, target):
        until(stack, run_id, "waiting_for_approval")

    def coordinate(kind: str, **more: object) -> Json:
        work = {"type": kind, "source_run_id": source, "target_run_id": target, **more}
        job: Json = stack.wait(stack.submit("coordinate-workflow", work)["id"])
        return job

    first = coordinate("state_sync", state={"stock": {"apples": 3}})
    assert first["result"]["result"] == {"synced": ["stock"], "version": 1}
    second = coordinate("state_sync", state={"stock": {"pears": 1}}, expected_version=1)
    assert second["result"]["result"]["version"] == 2
    assert coordinate("state_sync", state={}, expected_version=1)["state"] == "failed", "somebody has written meanwhile"
    assert read(stack, target)["shared"] == {"version": 2, "state": {"stock": {"apples": 3, "pears": 1}}}
    assert coordinate("completion_signal", data={"sent": 5})["result"]["coordinated"]
    refused = coordinate("resource_handoff", resources=["template-1"])
    assert "doesn't own template-1" in refused["error"]["message"]
    for run_id in (source, target):
        stack.post(f"/api/runs/{run_id}/abort")
        until(stack, run_id, "aborted")


def test_starting_again_under_a_key_is_the_same_run_and_counts_once(stack: Stack):
    def started() -> int:
        (numbers,) = [one for one in stack.get("/api/workflows")["workflows"] if one["saga"] == "carry"]
        return int(numbers["started"])

    before, key = started(), uuid.uuid4().hex
    first = stack.request("POST", "/api/sagas/carry/runs", {"input": {}, "idempotency_key": key})
    again = stack.request("POST", "/api/sagas/carry/runs", {"input": {}, "idempotency_key": key})
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]
    assert started() == before + 1
    other = stack.request("POST", "/api/sagas/carry/runs", {"input": {"text": "x"}, "idempotency_key": key})
    assert other.status_code == 409
    assert until(stack, first.json()["id"])["state"] == "completed"
    listed = stack.get("/api/runs", saga="carry", state="completed")["runs"]
    assert first.json()["id"] in {run["id"] for run in listed}


def test_a_run_is_watched_at_the_terminal_step_by_step(backstay: Backstay):
    ran = backstay("saga", "start", "carry", "--input", "-", "--watch", stdin={"reject": True})
    assert ran.returncode == 1
    assert "drop: failed rejected: told to reject" in ran.stderr
    assert "undone lift" in ran.stdout
    run_id = ran.stdout.split()[0]
    assert json.loads(backstay("saga", "show", run_id, "--json").stdout)["state"] == "compensated"
