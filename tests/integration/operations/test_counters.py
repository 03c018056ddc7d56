"""The stream's function against the jobs table."""

import json
from typing import Any

import pytest

from backstay import aws
from backstay.clock import utc_now
from backstay.dynamodb import encode_item
from backstay.jobs.counter_store import CounterStore
from backstay.jobs.record import State
from backstay.live.telling import Teller
from backstay.settings import Environment
from follow_changes import handler as follow_changes
from follow_changes.counting import Counting


@pytest.fixture
def counters(cloud: Environment, monkeypatch: pytest.MonkeyPatch) -> CounterStore:
    counting = Counting(cloud.jobs_table)
    monkeypatch.setattr(follow_changes, "_counting", lambda: counting)
    monkeypatch.setattr(follow_changes, "_teller", lambda: Teller(cloud))
    return counting.counters


def event(number: int, old: str | None, new: str | None, tenant: str = "acme", task: str = "obey") -> dict[str, Any]:
    def image(state: str) -> dict[str, Any]:
        changed_at = int(utc_now().timestamp() * 1000)
        return dict(
            encode_item({"id": f"{tenant}.x", "part": "state", "task": task, "state": state, "changed_at": changed_at})
        )

    images = {name: image(state) for name, state in (("OldImage", old), ("NewImage", new)) if state}
    return {"eventID": f"event-{number}", "dynamodb": images}


def test_counters_follow_the_stream_by_task_and_tenant(counters: CounterStore):
    records = [event(1, None, "waiting"), event(2, "waiting", "active"), event(3, "active", "completed")]
    records += [event(4, None, "waiting", tenant="umbrella")]
    follow_changes.handler({"Records": records}, None)
    found = counters.read_task("obey", utc_now())
    assert (found.totals[State.WAITING], found.totals[State.ACTIVE], found.totals[State.COMPLETED]) == (1, 0, 1)
    assert [ended[State.COMPLETED] for ended in found.minutes.values()] == [1]
    assert counters.read_tenant("acme")["obey"][State.COMPLETED] == 1
    assert counters.read_tenant("umbrella")["obey"][State.WAITING] == 1


def test_a_batch_that_comes_twice_is_counted_once(counters: CounterStore, monkeypatch: pytest.MonkeyPatch):
    """moto does not know ClientRequestToken, so this proves what we ask of DynamoDB: the very same, under one token."""
    asked: list[dict[str, Any]] = []
    real = aws.dynamodb().transact_write_items

    def remember(**request: Any) -> Any:
        asked.append(request)
        return real(**request)

    monkeypatch.setattr(aws.dynamodb(), "transact_write_items", remember)
    batch = {"Records": [event(number, None, "waiting") for number in range(3)] + [event(9, "active", "failed")]}
    follow_changes.handler(batch, None)
    follow_changes.handler(json.loads(json.dumps(batch)), None)
    assert asked[0] == asked[1]
    assert 1 <= len(asked[0]["ClientRequestToken"]) <= 36


def test_another_batch_has_another_identity(counters: CounterStore, monkeypatch: pytest.MonkeyPatch):
    tokens = []
    monkeypatch.setattr(
        aws.dynamodb(), "transact_write_items", lambda **request: tokens.append(request["ClientRequestToken"])
    )
    for number in (1, 2):
        follow_changes.handler({"Records": [event(number, None, "waiting")]}, None)
    assert len(set(tokens)) == 2


def test_a_batch_of_a_hundred_tenants_is_written_in_transactions_that_dynamodb_takes(counters: CounterStore):
    follow_changes.handler({"Records": [event(n, None, "waiting", tenant=f"t{n}") for n in range(120)]}, None)
    assert counters.read_task("obey", utc_now()).totals[State.WAITING] == 120
    assert counters.read_tenant("t119")["obey"][State.WAITING] == 1


def test_a_transaction_that_met_another_is_tried_again(counters: CounterStore, monkeypatch: pytest.MonkeyPatch):
    client = aws.dynamodb()
    real, refusals = client.transact_write_items, ["TransactionConflict", "TransactionConflict"]

    def contended(**request: Any) -> Any:
        if refusals:
            raise client.exceptions.TransactionCanceledException(
                {"Error": {"Code": "x"}, "CancellationReasons": [{"Code": refusals.pop()}, {"Code": "None"}]}, "op"
            )
        return real(**request)

    monkeypatch.setattr(client, "transact_write_items", contended)
    follow_changes.handler({"Records": [event(1, None, "waiting")]}, None)
    assert counters.read_task("obey", utc_now()).totals[State.WAITING] == 1


def test_a_transaction_refused_for_any_other_reason_raises(counters: CounterStore, monkeypatch: pytest.MonkeyPatch):
    client = aws.dynamodb()

    def refused(**request: Any) -> Any:
        reasons = [{"Code": "ThrottlingError"}]
        raise client.exceptions.TransactionCanceledException(
            {"Error": {"Code": "x"}, "CancellationReasons": reasons}, "op"
        )

    monkeypatch.setattr(client, "transact_write_items", refused)
    with pytest.raises(client.exceptions.TransactionCanceledException):
        follow_changes.handler({"Records": [event(1, None, "waiting")]}, None)


def test_a_batch_leaves_one_line_of_metrics_a_task(counters: CounterStore, capsys: pytest.CaptureFixture[str]):
    follow_changes.handler({"Records": [event(1, None, "waiting"), event(2, "waiting", "active")]}, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["Task"], line["JobsToWaiting"], line["JobsToActive"]) for line in lines] == [("obey", [1.0], [1.0])]


def test_people_hear_of_five_failures_in_a_row_and_not_of_four(counters: CounterStore, bus: Any):
    follow_changes.handler({"Records": [event(n, "active", "failed") for n in range(4)]}, None)
    assert bus.told == []
    follow_changes.handler({"Records": [event(4, "active", "failed")]}, None)
    assert bus.told == [("worker.consecutive_failures", "obey", "happened")]
    assert counters.failures_in_a_row("obey") == 5


def test_a_completed_job_ends_a_row(counters: CounterStore, bus: Any):
    follow_changes.handler({"Records": [event(n, "active", "failed") for n in range(4)]}, None)
    follow_changes.handler({"Records": [event(5, "active", "completed"), event(6, "active", "failed")]}, None)
    assert bus.told == []
    assert counters.failures_in_a_row("obey") == 1
    assert counters.read_task("obey", utc_now()).totals[State.FAILED] == 5
