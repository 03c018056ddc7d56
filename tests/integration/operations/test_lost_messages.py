"""States that a crash leaves behind, and the sweep that mends them."""

import json
from datetime import timedelta

import pytest

from backstay import aws
from backstay.jobs.lanes import Lanes
from backstay.jobs.lost_messages import MOST_SENT
from backstay.jobs.pausing import CounterStore
from backstay.jobs.record import State

MINUTE = 60


def test_a_job_whose_message_is_lost_is_sent_again_and_completes(machine, broker, sweep):
    record = machine.submit("obey", {})
    broker.lose("obey")
    assert sweep().done == {}, "it has not waited long"
    machine.clock.advance(16 * MINUTE)
    assert sweep().done == {"obey": {"sent_again": 1}}
    machine.deliver("obey")
    assert machine.record(record.id).state is State.COMPLETED


def test_a_job_is_not_sent_again_with_every_sweep(machine, broker, sweep):
    machine.submit("obey", {})
    sent = 0
    for _ in range(24):
        machine.clock.advance(5 * MINUTE)
        sent += sweep().done.get("obey", {}).get("sent_again", 0)
    assert sent == 3, "after 15, 45 and 105 minutes"


def test_a_long_backlog_is_looked_through_over_several_sweeps(machine, broker, sweep, monkeypatch):
    monkeypatch.setattr("backstay.jobs.lost_messages.MOST_SENT", 5)
    for number in range(12):
        machine.submit("obey", {"text": str(number)})
    machine.clock.advance(16 * MINUTE)
    assert [sweep().done.get("obey", {}).get("sent_again", 0) for _ in range(4)] == [5, 5, 2, 0]


def test_a_sweep_sends_no_more_than_its_share(machine, sweep, monkeypatch):
    assert MOST_SENT == 100
    monkeypatch.setattr("backstay.jobs.lost_messages.MOST_SENT", 3)
    for number in range(5):
        machine.submit("obey", {"text": str(number)})
    machine.clock.advance(16 * MINUTE)
    assert sweep().done["obey"]["sent_again"] == 3


def test_a_delayed_job_whose_schedule_never_came_is_sent(machine, broker, sweep):
    record = machine.submit("obey", {}, run_at=machine.clock() + timedelta(minutes=10))
    broker.lose("obey")
    machine.clock.advance(14 * MINUTE)
    assert sweep().done == {}
    machine.clock.advance(2 * MINUTE)
    assert sweep().done == {"obey": {"sent_again": 1}}
    machine.deliver("obey")
    assert machine.record(record.id).state is State.COMPLETED


def claim_and_die(machine, task="obey"):
    """A worker takes a batch, and is never heard of again."""
    from backstay.jobs.store import JobStore

    found = []
    for message in machine.receive(task):
        job_id = json.loads(message["body"])["job_id"]
        limits = machine.catalog.get(task).limits
        lease = timedelta(seconds=limits.lease_s)
        found.append(JobStore(machine.env.jobs_table).claim(job_id, task, machine.clock(), lease, 1))
    return found


def test_a_job_whose_worker_died_and_whose_message_is_lost_runs_again(machine, broker, sweep):
    record = machine.submit("obey", {})
    claim_and_die(machine)
    broker.lose("obey")
    machine.clock.advance(2 * MINUTE)
    assert sweep().done == {}, "its lease ended a minute ago; its message should come back by itself"
    machine.clock.advance(6 * MINUTE)
    assert sweep().done == {"obey": {"sent_again": 1}}
    machine.deliver("obey")
    assert machine.record(record.id).state is State.COMPLETED
    assert machine.record(record.id).attempts == 2


def test_a_cancelled_job_whose_worker_died_is_cancelled_and_not_run(machine, broker, sweep):
    record = machine.submit("obey", {})
    claim_and_die(machine)
    broker.lose("obey")
    active = machine.record(record.id)
    machine.store.save(active, active.cancel_asked())
    machine.clock.advance(10 * MINUTE)
    assert sweep().done == {"obey": {"cancelled": 1}}
    assert machine.record(record.id).state is State.CANCELLED


def test_a_job_whose_input_is_gone_fails_and_says_so(machine, broker, sweep):
    record = machine.submit("obey", {})
    broker.lose("obey")
    machine.store.delete_part(record.id, "input")
    machine.clock.advance(16 * MINUTE)
    assert sweep().done == {"obey": {"sent_again": 1}}
    machine.deliver("obey")
    failed = machine.record(record.id)
    assert failed.state is State.FAILED
    assert "past its retention" in failed.error.message


def test_a_paused_task_is_left_alone(machine, broker, sweep):
    machine.submit("obey", {})
    CounterStore(machine.env.jobs_table).note_paused("obey", paused=True)
    machine.clock.advance(60 * MINUTE)
    assert sweep().done == {}


def test_without_time_nothing_is_begun(machine, sweep):
    swept = sweep(seconds_left=1)
    assert set(swept.left_out) == set(machine.catalog.names)


def test_the_trouble_of_one_task_keeps_no_other_from_being_swept(machine, broker, sweep):
    machine.submit("obey", {})
    broker.lose("obey")
    aws.sqs().delete_queue(QueueUrl=machine.env.queue_url("obey-in-order-dead"))
    machine.clock.advance(16 * MINUTE)
    swept = sweep()
    assert swept.done["obey"] == {"sent_again": 1}
    assert list(swept.troubles) == ["obey-in-order"]


@pytest.fixture
def session(machine):
    """Three jobs of one session, of which the first has the turn."""
    return [machine.submit("obey-in-order", {"session": "s", "text": str(n)}) for n in range(3)]


def run_all(machine, times=6):
    for _ in range(times):
        machine.deliver("obey-in-order")


def test_jobs_that_stand_in_line_are_not_sent(machine, broker, sweep, session):
    machine.clock.advance(16 * MINUTE)
    assert sweep().done == {"obey-in-order": {"sent_again": 1, "in_line": 2}}


def test_a_lane_whose_turn_nobody_has_goes_on(machine, broker, sweep, session):
    Lanes(machine.env.jobs_table).leave(session[0])
    first = machine.record(session[0].id)
    machine.store.save(first, first.cancelled(machine.clock(), timedelta(1)))
    broker.lose("obey-in-order")
    machine.clock.advance(16 * MINUTE)
    assert sweep().done["obey-in-order"]["lane_mended"] == 1
    run_all(machine)
    assert [machine.record(job.id).state for job in session[1:]] == [State.COMPLETED, State.COMPLETED]


def test_a_lane_whose_turn_is_a_finished_jobs_goes_on(machine, broker, sweep, session):
    """The worker died between recording the end and leaving the line."""
    first = machine.record(session[0].id)
    machine.store.save(first, first.cancelled(machine.clock(), timedelta(1)))
    broker.lose("obey-in-order")
    machine.clock.advance(16 * MINUTE)
    sweep()
    run_all(machine)
    assert [machine.record(job.id).state for job in session[1:]] == [State.COMPLETED, State.COMPLETED]


def test_a_lane_whose_turn_is_a_vanished_jobs_goes_on(machine, broker, sweep, session):
    aws.dynamodb().delete_item(
        TableName=machine.env.jobs_table, Key={"id": {"S": session[0].id}, "part": {"S": "state"}}
    )
    broker.lose("obey-in-order")
    machine.clock.advance(16 * MINUTE)
    sweep()
    run_all(machine)
    assert [machine.record(job.id).state for job in session[1:]] == [State.COMPLETED, State.COMPLETED]


def test_a_job_that_never_came_into_its_line_does(machine, broker, sweep):
    """The submit died between writing the job and standing in line."""
    record = machine.submit("obey-in-order", {"session": "s", "text": "lost"})
    lanes = Lanes(machine.env.jobs_table)
    lanes.leave(record)
    broker.lose("obey-in-order")
    machine.clock.advance(16 * MINUTE)
    assert sweep().done["obey-in-order"] == {"lane_mended": 1}
    run_all(machine)
    assert machine.record(record.id).state is State.COMPLETED
