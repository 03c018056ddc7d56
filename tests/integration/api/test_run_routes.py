"""Sagas and their runs through the API: who may, what is answered, what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backstay.workflows import catalog as saga_catalog
from tests.integration.step_functions import StepFunctions
from tests.integration.workflows.conftest import PLAN, House

RUNS = "/api/sagas/publish/runs"


@pytest.fixture(autouse=True)
def sagas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step_functions: StepFunctions) -> Iterator[None]:
    """One saga, as the layer would carry it."""
    file = tmp_path / "sagas.json"
    file.write_text(saga_catalog.SagaFile(sagas=(PLAN,)).model_dump_json())
    monkeypatch.setenv(saga_catalog.VARIABLE, str(file))
    saga_catalog.sagas.cache_clear()
    yield
    saga_catalog.sagas.cache_clear()


@pytest.fixture
def house(machine, catalog, step_functions: StepFunctions) -> House:
    catalog.get("obey")
    return House(machine, step_functions, saga_catalog.sagas())


def start(client, **body):
    return client("POST", RUNS, {"input": {"text": "hi"}, **body})


def test_sagas_are_listed_with_steps_input_and_picture(client):
    (saga,) = client()("GET", "/api/sagas").json["sagas"]
    assert (saga["name"], saga["picture"]) == ("publish", "flowchart TD")
    assert [step["name"] for step in saga["steps"]] == ["write", "consent", "send", "hear"]
    assert saga["steps"][0]["undo"] == "obey"
    assert saga["input_schema"] == {"type": "object"}


def test_a_run_is_started_once_for_a_key_and_read_with_its_steps(house, client):
    caller = client("acme")
    first, again = start(caller, idempotency_key="k"), start(caller, idempotency_key="k")
    assert (first.status, again.status) == (202, 200)
    run = first.json
    assert first.headers["location"] == run["links"]["self"] == f"/api/runs/{run['id']}"
    house.do(run["id"], "write", {"text": "x"})
    read = caller("GET", f"/api/runs/{run['id']}").json
    assert (read["state"], read["cost_usd"], read["undone"]) == ("running", "0", [])
    assert (read["picture"], read["saga_has_changed"], read["standing"]) == ("flowchart TD", False, [])
    write, consent, *_ = read["steps"]
    assert (write["state"], write["attempts"], write["output"]) == ("completed", 1, {"attempt": 1, "text": "x"})
    assert write["job"] == f"/api/jobs/{write['job_id']}"
    assert (consent["kind"], consent["state"]) == ("approval", "pending")
    other = start(caller, idempotency_key="k", input={"text": "other"})
    assert (other.status, "use another key" in other.json["detail"]) == (409, True)


def test_what_is_wrong_with_a_start_is_told(client):
    caller = client("acme")
    assert caller("POST", "/api/sagas/nothing/runs", {"input": {}}).status == 404
    wrong = start(caller, input={"fail_attempts": "x"})
    assert (wrong.status, list(wrong.fields)) == (422, ["input.fail_attempts"])
    neither = caller("POST", RUNS, {})
    assert (neither.status, list(neither.fields)) == (422, ["input"])
    assert start(caller, input_ref="uploads/acme/u").status == 422
    large = start(caller, input={"text": "x" * 200_001})
    assert large.status == 413
    assert start(caller, tenant="umbrella").status == 403


def test_giving_approval_beforehand_needs_the_scope_to_operate(client):
    assert start(client("acme", "submit"), pre_approved=True).status == 403
    allowed = start(client("acme", "submit", "operate"), pre_approved=True)
    assert (allowed.status, allowed.json["pre_approved"]) == (202, True)


def test_another_tenants_runs_are_unknown(house, client):
    run_id = start(client("acme")).json["id"]
    stranger = client("umbrella")
    for method, path in (
        ("GET", ""), ("POST", "/approve"), ("POST", "/reject"), ("POST", "/abort"), ("POST", "/redrive"),
    ):  # fmt: skip
        answer = stranger(method, f"/api/runs/{run_id}{path}")
        assert (answer.status, "there is no run" in answer.json["detail"]) == (404, True)
    assert stranger("GET", "/api/runs").json["runs"] == []
    assert stranger("GET", "/api/workflows").json["workflows"][0]["started"] == 0
    assert stranger("GET", "/api/runs", query={"tenant": "acme"}).status == 403
    (numbers,) = client()("GET", "/api/workflows").json["workflows"]
    assert (numbers["started"], numbers["running"], numbers["error_rate"], numbers["p95_duration_s"]) == (
        1,
        1,
        None,
        None,
    )


def test_a_run_is_approved_with_a_reason_once(house, client, step_functions):
    caller = client("acme")
    run_id = start(caller).json["id"]
    refused = caller("POST", f"/api/runs/{run_id}/approve")
    assert (refused.status, "waits for nobody's consent" in refused.json["detail"]) == (409, True)
    house.wait(run_id, timeout_s=600)
    waiting = caller("GET", f"/api/runs/{run_id}").json
    assert (waiting["state"], waiting["waits_for"]["step"]) == ("waiting_for_approval", "consent")
    listed = caller("GET", "/api/runs", query={"state": "waiting_for_approval"}).json["runs"]
    assert [run["id"] for run in listed] == [run_id]
    approved = caller("POST", waiting["links"]["approve"], {"reason": "fine"})
    assert (approved.status, approved.json["state"], approved.json["links"]["approve"]) == (200, "running", None)
    assert caller("POST", waiting["links"]["reject"]).status == 409
    (consent,) = [step for step in caller("GET", f"/api/runs/{run_id}").json["steps"] if step["name"] == "consent"]
    assert (consent["state"], consent["output"]["why"]) == ("approved", "fine")
    assert len(step_functions.heard) == 1
    assert caller("POST", f"/api/runs/{run_id}/approve", {"because": 1}).status == 422


def test_a_failed_run_names_its_first_failure_and_how_to_go_on(house, client):
    caller = client("acme")
    run_id = start(caller).json["id"]
    from backstay.workflows.run import RunState

    house.end(run_id, RunState.FAILED, json.dumps({"Error": "rejected", "Cause": "no"}))
    run = caller("GET", f"/api/runs/{run_id}").json
    assert run["error"] == {"class": "rejected", "message": "no"}
    assert (run["links"]["redrive"], run["links"]["abort"]) == (f"/api/runs/{run_id}/redrive", None)
    assert caller("POST", f"/api/runs/{run_id}/abort").status == 409
    redriven = caller("POST", run["links"]["redrive"]).json
    assert (redriven["state"], redriven["executions"], redriven["error"]) == ("running", 2, None)
    assert caller("POST", f"/api/runs/{run_id}/redrive").status == 409


def test_an_abort_answers_with_the_run_that_is_being_undone(house, client, step_functions):
    caller = client("acme")
    run_id = start(caller).json["id"]
    aborted = caller("POST", f"/api/runs/{run_id}/abort")
    assert (aborted.status, aborted.json["state"], aborted.json["executions"]) == (200, "running", 2)
    assert aborted.json["links"]["abort"] is None
    assert step_functions.executions[f"{run_id}-1"].status == "ABORTED"


def test_a_run_whose_saga_has_changed_is_shown_as_it_was_and_an_abort_that_would_leave_work_undone_is_refused(
    house, client, tmp_path
):
    caller = client("acme")
    run_id = start(caller).json["id"]
    house.do(run_id, "write", {"text": "x"})
    changed = PLAN.model_copy(update={"steps": PLAN.steps[2:], "picture": "another"})
    (tmp_path / "sagas.json").write_text(saga_catalog.SagaFile(sagas=(changed,)).model_dump_json())
    saga_catalog.sagas.cache_clear()
    later = client("acme")
    shown = later("GET", f"/api/runs/{run_id}").json
    assert [step["name"] for step in shown["steps"]] == ["write", "consent", "send", "hear"]
    assert (shown["picture"], shown["saga_has_changed"]) == ("flowchart TD", True)
    refused = later("POST", f"/api/runs/{run_id}/abort")
    assert (refused.status, "needs 'write' as before" in refused.json["detail"]) == (409, True)


def test_a_step_whose_undo_failed_is_said_to_stand(house, client):
    from backstay.workflows.run import RunState

    caller = client("acme")
    run_id = start(caller).json["id"]
    house.do(run_id, "write", {"text": "x"})
    house.do(run_id, "write", {"reject": True}, "undo")
    house.end(run_id, RunState.COMPENSATION_FAILED)
    run = caller("GET", f"/api/runs/{run_id}").json
    assert (run["standing"], run["steps"][0]["is_in_doubt"]) == ([{"step": "write", "why": "undo_failed"}], False)
