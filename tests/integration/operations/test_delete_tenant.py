"""Deleting a tenant: nothing of it is left, and everything of its neighbour."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from backstay import aws
from backstay.access.key_store import KeyStore
from backstay.access.webhook_secrets import WebhookSecrets
from backstay.chats.bot import Bot
from backstay.chats.table import ChatTable
from backstay.content import ContentTable
from backstay.costs.rows import updates
from backstay.costs.spending import spendings_of_usage
from backstay.jobs.counter_store import CounterStore
from backstay.jobs.counters import Deltas
from backstay.jobs.record import State
from backstay.receipt import Call
from backstay.workflows.run_store import RunStore
from delete_tenant_data.erasing import Eraser
from tests.handoffs import put_run

TASK = "delete-tenant-data"
LARGE = "x" * 50_000


@pytest.fixture
def machine(operations, monkeypatch, step_functions):
    """The function's own eraser, under the test's clock."""
    eraser = Eraser(operations.env, operations.clock)
    monkeypatch.setattr(Eraser, "of_this_function", lambda: eraser)
    return operations


def keys_of(machine):
    return KeyStore(machine.env.keys_table, WebhookSecrets(machine.env.secret_prefix), machine.clock)


def settle_in(machine, tenant):
    """Some of everything that a tenant can have."""
    done = machine.submit("obey", {"answer_bytes": 10_000, "text": ""}, tenant=tenant)
    machine.submit("obey", {"text": LARGE, "answer_bytes": 1}, tenant=tenant)
    machine.submit("obey", {"reject": True}, tenant=tenant)
    machine.send_raw("obey", {"task": "obey", "tenant": tenant, "input": {"unknown": 1}})
    machine.deliver("obey")
    machine.store.put_text(done.id, "call#001", "an answer", machine.clock() + timedelta(days=1))
    machine.submit("obey", {"text": "waits"}, tenant=tenant)
    machine.submit("obey", {"text": "far off"}, tenant=tenant, run_at=machine.clock() + timedelta(days=2))
    for text in "abc":
        machine.submit("obey-in-order", {"session": "s", "text": text}, tenant=tenant)
    machine.deliver("obey-in-order")
    ContentTable(machine.env.content_table).put(tenant, "story#1", {"title": "T"})
    ChatTable(machine.env.chats_table).put_bot(tenant, "u1", Bot(system_prompt="Be kind."))
    aws.s3().put_object(Bucket=machine.env.payloads_bucket, Key=f"uploads/{tenant}/u", Body=b"{}")
    call = Call("twilio", "", 0, 0, 0, Decimal(1), operation="sms")
    spent = updates(machine.env.jobs_table, spendings_of_usage(call, tenant, "obey", ["news"], machine.clock()))
    CounterStore(machine.env.jobs_table).add(Deltas(tenants={tenant: {("obey", State.COMPLETED): 1}}), [tenant], spent)
    keys_of(machine).create("theirs", tenant, ["submit"], webhook=True)
    for key in "ab":
        put_run(machine.env.workflows_table, key, tenant)


def everything(machine, tenant):
    """Whatever names the tenant, in tables, bucket and schedules."""
    env = machine.env
    tables = (env.jobs_table, env.content_table, env.chats_table, env.workflows_table)
    items = [item for table in tables for item in aws.dynamodb().scan(TableName=table)["Items"]]
    ids = [(item["id"]["S"], item["part"]["S"]) for item in items if tenant in item["id"]["S"] + item["part"]["S"]]
    listed = aws.s3().list_objects_v2(Bucket=machine.env.payloads_bucket).get("Contents", [])
    objects = [entry["Key"] for entry in listed]
    schedules = aws.scheduler().list_schedules(GroupName=machine.env.schedule_group)["Schedules"]
    return sorted(
        [
            *(f"{an_id} {part}" for an_id, part in ids if an_id != f"departed#{tenant}"),
            *(key for key in objects if f"/{tenant}/" in key),
            *(entry["Name"] for entry in schedules if entry["Name"].startswith(tenant)),
        ]
    )


def delete(machine, tenant, portions=10):
    job = machine.submit(TASK, {"tenant": tenant}, tenant="system")
    for _ in range(portions):
        machine.deliver(TASK, remaining_ms=120_000)
        if machine.record(job.id).state.is_terminal:
            return machine.record(job.id)
        machine.clock.advance(60)
        machine.make_visible(TASK)
    return machine.record(job.id)


def test_nothing_of_the_tenant_is_left_and_everything_of_its_neighbour(machine):
    settle_in(machine, "acme")
    settle_in(machine, "acme-2")
    neighbours = everything(machine, "acme-2")
    assert len(everything(machine, "acme")) > len(neighbours) > 20
    record = delete(machine, "acme")
    assert record.state is State.COMPLETED
    assert [name for name in everything(machine, "acme") if "acme-2" not in name] == []
    assert everything(machine, "acme-2") == neighbours
    deleted = {name: count for name, count in json.loads(record.result.inline).items() if count}
    assert deleted == {
        "api_keys": 1, "jobs": 8, "messages": 1, "lanes": 1, "runs": 2, "contents": 1, "chats": 1, "payloads": 3,
    }  # fmt: skip


def test_runs_that_go_on_are_stopped_and_no_longer_count_as_running(machine, step_functions):
    run_id = put_run(machine.env.workflows_table, "a", "acme")
    prefix = machine.env.state_machine_arn_prefix
    step_functions.start_execution(stateMachineArn=f"{prefix}publish", name=f"{run_id}-1", input="{}")
    delete(machine, "acme")
    assert step_functions.executions[f"{run_id}-1"].status == "ABORTED"
    runs = RunStore(machine.env.workflows_table)
    assert runs.get(run_id) is None
    numbers = runs.numbers("publish")
    assert (numbers.started, numbers.running) == (1, 0)
    assert runs.numbers("publish", "acme").started == 0


def test_its_keys_open_no_door_any_more_and_its_neighbours_do(machine):
    settle_in(machine, "acme")
    settle_in(machine, "umbrella")
    delete(machine, "acme")
    assert {key.tenant: key.revoked_at is not None for key in keys_of(machine).list()} == {
        "acme": True,
        "umbrella": False,
    }


def test_messages_that_are_in_queues_still_bring_nothing_back(machine, broker, sweep):
    settle_in(machine, "acme")
    delete(machine, "acme")
    for queue in ("obey", "obey-in-order"):
        machine.make_visible(queue)
        assert broker.letters(queue), "there are messages of it"
        machine.deliver(queue)
        assert broker.letters(queue) == []
    sweep()
    assert broker.letters("obey-dead") == []
    assert everything(machine, "acme") == []


def test_a_job_that_is_being_run_is_stopped_first_and_then_deleted(machine):
    record = machine.submit("obey", {}, tenant="acme")
    claimed = machine.store.claim(record.id, "obey", machine.clock(), timedelta(minutes=5), 1)
    deletion = machine.submit(TASK, {"tenant": "acme"}, tenant="system")
    machine.deliver(TASK, remaining_ms=120_000)
    waiting = machine.record(deletion.id)
    assert (waiting.state, waiting.reason) == (State.DELAYED, "in_portions")
    asked = machine.record(record.id)
    assert asked.cancel_requested
    machine.store.save(asked, asked.cancelled(machine.clock(), timedelta(days=1)))
    for _ in range(5):
        machine.clock.advance(60)
        machine.make_visible(TASK)
        machine.deliver(TASK, remaining_ms=120_000)
    assert machine.record(deletion.id).state is State.COMPLETED
    assert machine.store.get(claimed.id) is None


def test_a_job_whose_worker_died_is_not_waited_for_beyond_its_lease(machine):
    record = machine.submit("obey", {}, tenant="acme")
    machine.store.claim(record.id, "obey", machine.clock(), timedelta(minutes=2), 1)
    assert delete(machine, "acme").state is State.COMPLETED
    assert machine.store.get(record.id) is None


def test_what_comes_in_while_it_looks_for_stragglers_is_deleted_too(machine):
    settle_in(machine, "acme")
    deletion = machine.submit(TASK, {"tenant": "acme"}, tenant="system")
    for _ in range(2):
        machine.deliver(TASK, remaining_ms=120_000)
        machine.clock.advance(60)
        machine.make_visible(TASK)
    machine.submit("obey", {"text": "late"}, tenant="acme")
    for _ in range(4):
        machine.deliver(TASK, remaining_ms=120_000)
        machine.clock.advance(60)
        machine.make_visible(TASK)
    assert machine.record(deletion.id).state is State.COMPLETED
    assert everything(machine, "acme") == []


def test_a_portion_ends_when_time_does_and_the_next_goes_on(machine, monkeypatch):
    monkeypatch.setattr("backstay.jobs.tenant_data._PAGE", 2)
    settle_in(machine, "acme")
    job = machine.submit(TASK, {"tenant": "acme"}, tenant="system")
    machine.deliver(TASK, remaining_ms=22_000)
    assert machine.record(job.id).state is State.DELAYED
    assert everything(machine, "acme") != []
    for _ in range(5):
        machine.clock.advance(60)
        machine.make_visible(TASK)
        machine.deliver(TASK, remaining_ms=120_000)
    assert machine.record(job.id).state is State.COMPLETED
    assert everything(machine, "acme") == []


@pytest.mark.parametrize(("tenant", "doomed"), [("acme", "umbrella"), ("acme", "acme"), ("system", "system")])
def test_only_the_system_deletes_tenants_and_never_itself(machine, tenant, doomed):
    job = machine.submit(TASK, {"tenant": doomed}, tenant=tenant)
    machine.deliver(TASK, remaining_ms=120_000)
    assert machine.record(job.id).error.error_class == "rejected"


def test_a_tenant_that_was_deleted_can_come_back(machine):
    settle_in(machine, "acme")
    delete(machine, "acme")
    record = machine.submit("obey", {"text": "back"}, tenant="acme")
    machine.make_visible("obey")
    machine.deliver("obey")
    assert machine.record(record.id).state is State.COMPLETED
