"""What is found out about a step that did not complete, before anything is undone."""

import json
import threading
from datetime import timedelta

import pytest

from backstay.catalog import Catalog
from backstay.errors import GoesOn, Rejected
from backstay.jobs.endings import Retention
from backstay.jobs.record import State
from backstay.jobs.step import job_of_step
from backstay.running import Job
from settle_step.settling import Settler
from settle_step.task import Settlement, StepToSettle

RUN = "acme." + "r" * 24
LEASE = timedelta(seconds=60)
JOB = job_of_step(RUN, "first", "obey")


@pytest.fixture
def settle(cloud, catalog: Catalog, clock, step_functions):
    settler = Settler(cloud, catalog, Retention(), clock)
    return lambda: settler.settle(StepToSettle(run_id=RUN, step="first", task="obey"), Job(tenant="acme"))


@pytest.fixture
def enter(machine, step_functions):
    def send(mapping: dict, execution: int = 1) -> None:
        machine.send_raw("obey", step_functions.message(RUN, "first", "obey", mapping, execution=execution))

    return send


def test_a_step_that_completed_after_all_is_undone(machine, enter, settle):
    enter({})
    machine.deliver("obey")
    assert settle() == Settlement(undo=True, why="it completed after all")


def test_a_step_that_failed_without_doubt_is_not_undone(machine, enter, settle):
    enter({"reject": True})
    machine.deliver("obey")
    assert settle() == Settlement(undo=False, why="it is failed, and had no effect")


def test_a_step_whose_worker_died_before_it_failed_is_undone(machine, enter, settle):
    enter({"fail_attempts": 9})
    machine.deliver("obey", most=1)
    machine.store.claim(JOB, "obey", machine.clock(), LEASE, company=1)
    for _ in range(3):
        machine.clock.advance(100)
        machine.make_visible("obey")
        machine.deliver("obey")
    assert machine.record(JOB).state is State.FAILED
    assert settle().undo, "the attempt that died may have done its work"


def test_a_step_that_ran_over_its_time_is_undone(machine, step_functions, settle):
    message = step_functions.message(RUN, "first", "obey", {"sleep_s": 2}, timeout_s=1)
    machine.send_raw("obey", message)
    machine.deliver("obey")
    assert machine.record(JOB).state is State.WAITING
    assert settle().undo
    assert machine.record(JOB).state is State.CANCELLED, "nothing of it happens any more"


def test_a_step_that_waits_for_its_next_attempt_is_called_off(machine, enter, settle, step_functions):
    enter({"fail_attempts": 1})
    machine.deliver("obey")
    assert settle() == Settlement(undo=False, why="it is cancelled, and had no effect")
    machine.make_visible("obey")
    assert machine.deliver("obey") == []
    assert machine.record(JOB).fence == 1


def test_a_message_that_comes_after_its_step_was_settled_runs_nothing(machine, enter, settle, step_functions):
    assert settle() == Settlement(undo=False, why="it is cancelled, and had no effect")
    enter({})
    assert machine.deliver("obey") == []
    record = machine.record(JOB)
    assert (record.state, record.fence) == (State.CANCELLED, 0)
    ((_, (error, _)),) = step_functions.heard
    assert error == "cancelled"


def test_a_step_that_a_worker_has_is_called_off_and_waited_for(machine, enter, settle):
    enter({"steps": 4})
    running = threading.Thread(target=machine.deliver, args=("obey",))
    running.start()
    while (record := machine.store.get(JOB)) is None or record.state is not State.ACTIVE:
        pass
    with pytest.raises(GoesOn):
        settle()
    running.join()
    assert machine.record(JOB).state is State.CANCELLED
    assert settle() == Settlement(undo=True, why="it is cancelled, and may have had its effect before")


def test_a_step_whose_worker_never_came_back_is_not_waited_for(machine, enter, settle):
    machine.submit("obey", {}, tenant="acme", idempotency_key=f"{RUN}#first#do")
    machine.store.claim(JOB, "obey", machine.clock(), LEASE, company=1)
    with pytest.raises(GoesOn):
        settle()
    machine.clock.advance(61)
    assert settle().undo
    assert machine.record(JOB).state is State.CANCELLED


def test_a_redriven_run_repeats_a_step_that_was_forestalled(machine, enter, settle, step_functions):
    from backstay.jobs.step_jobs import StepJobs

    settle()
    StepJobs(machine.env, machine.clock).repeat(machine.record(JOB))
    enter({"text": "now"}, execution=2)
    machine.deliver("obey")
    ((token, output),) = step_functions.heard
    assert (token, json.loads(output)["job_id"]) == ("first-do-2", JOB)


def test_the_longer_a_step_is_waited_for_the_rarer_it_is_looked_at(machine, enter, clock, settle, cloud, catalog):
    machine.submit("obey", {}, tenant="acme", idempotency_key=f"{RUN}#first#do")
    machine.store.claim(JOB, "obey", machine.clock(), timedelta(hours=1), company=1)
    settler, job = Settler(cloud, catalog, Retention(), clock), Job(tenant="acme")
    waits = []
    for _ in range(3):
        with pytest.raises(GoesOn) as caught:
            settler.settle(StepToSettle(run_id=RUN, step="first", task="obey"), job)
        waits.append(round(caught.value.failure.retry_after_s))
        clock.advance(60)
    assert waits == [1, 20, 30]


def test_another_tenants_run_is_not_touched(cloud, catalog, clock):
    with pytest.raises(Rejected, match="none of tenant 'umbrella'"):
        Settler(cloud, catalog, Retention(), clock).settle(
            StepToSettle(run_id=RUN, step="first", task="obey"), Job(tenant="umbrella")
        )
