"""Redriving dead letters, as a job that works in portions."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from backstay import aws
from backstay.jobs.control import Control
from backstay.jobs.dead_letters import DeadLetters, Selection
from backstay.jobs.endings import Retention
from backstay.jobs.record import State
from backstay.jobs.submit import Submitter
from backstay.receipt import Call, Receipt
from backstay.running import Cancelled, Job
from redrive_dead_letters.choice import plan_redrive
from redrive_dead_letters.moving import Mover
from redrive_dead_letters.task import Redrive

TASK = "redrive-dead-letters"


def fail_some(machine, many, tenant="acme", **order):
    """So many jobs that failed for good."""
    jobs = [machine.submit("obey", {"reject": True, "text": str(n), **order}, tenant=tenant) for n in range(many)]
    while machine.receive_count("obey"):
        machine.deliver("obey")
    return [machine.record(job.id) for job in jobs]


@pytest.fixture
def machine(operations, monkeypatch):
    """The function's own mover, under the test's clock, and a look at how full a queue is."""
    mover = Mover(operations.env, operations.catalog, operations.clock)
    monkeypatch.setattr(Mover, "of_this_function", lambda: mover)

    def receive_count(queue):
        answer = aws.sqs().get_queue_attributes(
            QueueUrl=operations.env.queue_url(queue), AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    operations.receive_count = receive_count
    return operations


def start(machine, tenant="system", **wanted):
    return machine.submit(TASK, wanted, tenant=tenant)


def portion(machine, seconds=10):
    """Let the next portion come, and run it."""
    machine.deliver(TASK)
    machine.clock.advance(seconds)
    machine.make_visible(TASK)


def states(machine, jobs):
    return [machine.record(job.id).state for job in jobs]


def result(machine, job):
    record = machine.record(job.id)
    assert record.state is State.COMPLETED, record
    return json.loads(record.result.inline)


def test_all_failed_jobs_are_sent_anew_with_their_attempts_reset(machine):
    jobs = fail_some(machine, 3)
    redrive = start(machine, all=True)
    portion(machine)
    assert result(machine, redrive) == {"moved": 3, "skipped": 0, "failed": 0}
    assert states(machine, jobs) == [State.WAITING] * 3
    assert {machine.record(job.id).attempts for job in jobs} == {0}
    assert machine.receive_count("obey") == 3


def test_only_what_the_filter_says_is_moved(machine):
    acme, umbrella = fail_some(machine, 2), fail_some(machine, 2, tenant="umbrella")
    redrive = start(machine, task="obey", tenant="umbrella", error_class="rejected")
    portion(machine)
    assert result(machine, redrive)["moved"] == 2
    assert states(machine, acme + umbrella) == [State.FAILED] * 2 + [State.WAITING] * 2


def test_another_error_class_is_left_alone(machine):
    jobs = fail_some(machine, 2)
    redrive = start(machine, error_class="crashed")
    portion(machine)
    assert result(machine, redrive) == {"moved": 0, "skipped": 0, "failed": 0}
    assert states(machine, jobs) == [State.FAILED] * 2


def test_a_redrive_keeps_its_pace_and_uses_up_no_attempts(machine):
    jobs = fail_some(machine, 12)
    redrive = start(machine, all=True, per_second=0.5)
    moved = []
    for _ in range(3):
        portion(machine)
        moved.append(states(machine, jobs).count(State.WAITING))
    assert moved == [5, 10, 12]
    record = machine.record(redrive.id)
    assert (record.state, record.attempts, record.failures) == (State.COMPLETED, 1, ())


def test_between_portions_it_is_delayed_and_says_how_far_it_is(machine):
    fail_some(machine, 12)
    redrive = start(machine, all=True, per_second=0.5)
    machine.deliver(TASK)
    record = machine.record(redrive.id)
    assert (record.state, record.reason) == (State.DELAYED, "in_portions")
    assert 8 <= (record.due_at - machine.clock()).total_seconds() <= 10


def test_a_redrive_can_be_stopped(machine):
    jobs = fail_some(machine, 12)
    redrive = start(machine, all=True, per_second=0.5)
    portion(machine)
    Control(machine.env, machine.catalog, Retention(), machine.clock).cancel(machine.record(redrive.id))
    portion(machine)
    assert states(machine, jobs).count(State.WAITING) == 5
    assert machine.record(redrive.id).state is State.CANCELLED


def test_a_redrive_stopped_in_the_middle_of_a_portion_ends_at_its_next_step(machine):
    jobs = fail_some(machine, 30)
    steps = []

    def report(percent, note):
        steps.append(note)
        return len(steps) == 2

    mover = Mover(machine.env, machine.catalog, machine.clock)
    with pytest.raises(Cancelled):
        mover.move(Redrive(all=True), Job(id="system.x", tenant="system", report_progress=report))
    assert states(machine, jobs).count(State.WAITING) == 25
    assert steps[1] == "moved 25, skipped 0, failed 0; about 5 to go"


def test_what_fails_anew_is_not_moved_again_by_the_same_redrive(machine):
    jobs = fail_some(machine, 8)
    redrive = start(machine, all=True, per_second=0.5)
    for _ in range(3):
        portion(machine)
        machine.deliver("obey")
    assert result(machine, redrive)["moved"] == 8
    assert [machine.record(job.id).generation for job in jobs] == [1] * 8


def test_chosen_ids_are_moved_and_others_counted_as_skipped(machine):
    first, second, third = fail_some(machine, 3)
    redrive = start(machine, ids=[first.id, third.id, third.id, "acme." + "a" * 24])
    portion(machine)
    assert result(machine, redrive) == {"moved": 2, "skipped": 1, "failed": 0}
    assert states(machine, [first, second, third]) == [State.WAITING, State.FAILED, State.WAITING]


def test_a_message_that_is_no_job_is_sent_anew_by_its_id(machine, broker, sweep):
    machine.send_raw("obey", {"task": "obey", "input": {"unknown": 1}})
    machine.deliver("obey")
    (letter,) = DeadLetters(machine.env, machine.catalog).page(Selection()).letters
    redrive = start(machine, ids=[letter.id])
    portion(machine)
    assert result(machine, redrive)["moved"] == 1
    assert [message["body"] for message in broker.letters("obey")] == [letter.body]
    sweep()
    assert broker.letters("obey-dead") == [], "its letter goes with the next sweep"


def test_a_job_whose_input_is_gone_is_counted_as_failed_and_stays_so(machine):
    gone, there = fail_some(machine, 2)
    machine.store.delete_part(gone.id, "input")
    redrive = start(machine, all=True)
    portion(machine)
    assert result(machine, redrive) == {"moved": 1, "skipped": 0, "failed": 1}
    assert states(machine, [gone, there]) == [State.FAILED, State.WAITING]


def test_a_tenant_redrives_its_own_and_no_others(machine):
    acme, umbrella = fail_some(machine, 1), fail_some(machine, 1, tenant="umbrella")
    redrive = start(machine, tenant="acme", all=True)
    other = machine.submit(TASK, {"ids": [umbrella[0].id], "per_second": 1}, tenant="acme")
    named = machine.submit(TASK, {"tenant": "umbrella", "per_second": 2}, tenant="acme")
    portion(machine)
    assert result(machine, redrive)["moved"] == 1
    assert result(machine, other) == {"moved": 0, "skipped": 1, "failed": 0}
    assert machine.record(named.id).error.error_class == "rejected"
    assert states(machine, acme + umbrella) == [State.WAITING, State.FAILED]


def test_a_redrive_that_died_in_the_middle_loses_no_count(machine, monkeypatch):
    jobs = fail_some(machine, 4)
    real, revived = Submitter.revive, []

    def dying(self, record):
        if len(revived) == 2:
            raise RuntimeError("killed")
        revived.append(record.id)
        return real(self, record)

    monkeypatch.setattr("redrive_dead_letters.moving._THREADS", 1)
    job = Job(id="system.x", tenant="system")
    with monkeypatch.context() as during:
        during.setattr(Submitter, "revive", dying)
        with pytest.raises(RuntimeError):
            Mover(machine.env, machine.catalog, machine.clock).move(Redrive(all=True), job)
    assert states(machine, jobs).count(State.WAITING) == 2
    done = Mover(machine.env, machine.catalog, machine.clock).move(Redrive(all=True), job)
    assert (done.moved, done.skipped, done.failed) == (4, 0, 0)


def test_failed_redrives_are_not_redriven_by_a_redrive_of_all(machine):
    named = machine.submit(TASK, {"tenant": "umbrella"}, tenant="acme")
    portion(machine)
    assert machine.record(named.id).state is State.FAILED
    redrive = start(machine, all=True)
    portion(machine)
    assert result(machine, redrive)["moved"] == 0


def test_a_plan_tells_how_many_and_moves_nothing(machine):
    jobs = fail_some(machine, 3) + fail_some(machine, 2, tenant="umbrella")
    plans = {
        "all": Redrive(all=True),
        "acme": Redrive(tenant="acme"),
        "rejected": Redrive(error_class="rejected"),
        "crashed": Redrive(error_class="crashed"),
        "ids": Redrive(ids=(jobs[0].id, "acme." + "a" * 24)),
        "later": Redrive(since=machine.clock() + timedelta(minutes=1)),
    }
    found = {name: plan_redrive(machine.env, machine.catalog, wanted, "system") for name, wanted in plans.items()}
    counts = {name: plan.count for name, plan in found.items()}
    assert counts == {"all": 5, "acme": 3, "rejected": 5, "crashed": 0, "ids": 1, "later": 0}
    assert plan_redrive(machine.env, machine.catalog, Redrive(all=True), "umbrella").count == 2
    assert states(machine, jobs) == [State.FAILED] * 5


def test_a_plan_expects_what_the_jobs_have_cost_so_far(machine):
    jobs = fail_some(machine, 2)
    call = Call("p", "m", 1, 1, 1, Decimal("0.03"))
    machine.store.save(jobs[0], replace(jobs[0], receipt=Receipt((call,))))
    plan = plan_redrive(machine.env, machine.catalog, Redrive(all=True), "system")
    assert (plan.count, plan.is_more, plan.expected_cost_usd) == (2, False, Decimal("0.03"))


def test_a_plan_says_when_there_are_more_than_it_counted(machine, monkeypatch):
    monkeypatch.setattr("backstay.jobs.dead_letters.MOST_COUNTED", 3)
    fail_some(machine, 5)
    plan = plan_redrive(machine.env, machine.catalog, Redrive(all=True), "system")
    assert (plan.count, plan.is_more) == (3, True)


def test_dead_letters_are_listed_newest_first_over_pages(machine):
    fail_some(machine, 3)
    machine.send_raw("obey", "poison")
    machine.deliver("obey")
    letters = DeadLetters(machine.env, machine.catalog)
    first = letters.page(Selection(), limit=3)
    second = letters.page(Selection(), cursor=first.cursor, limit=3)
    together = [*first.letters, *second.letters]
    assert len(together) == 4
    assert [letter.at for letter in together] == sorted((letter.at for letter in together), reverse=True)
    assert together[0].body == "poison"
    assert second.cursor is None


def test_dead_letters_are_listed_by_task_tenant_class_time_and_id(machine):
    (acme,) = fail_some(machine, 1)
    (umbrella,) = fail_some(machine, 1, tenant="umbrella")
    letters = DeadLetters(machine.env, machine.catalog)

    def ids(**wanted):
        return {letter.id for letter in letters.page(Selection(**wanted)).letters}

    assert ids(tenant="acme") == {acme.id}
    assert ids(task="obey", error_class="rejected") == {acme.id, umbrella.id}
    assert ids(task="obey-in-order") == set()
    assert ids(ids=(umbrella.id,)) == {umbrella.id}
    assert ids(ids=(umbrella.id,), tenant="acme") == set()
    assert ids(until=acme.changed_at) == set()
    assert ids(since=umbrella.changed_at) >= {umbrella.id}
