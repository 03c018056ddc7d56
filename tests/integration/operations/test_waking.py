"""Waking what waits for a budget, once its limit was raised."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from backstay import aws
from backstay.budgets.budget import Limit
from backstay.budgets.entry import Ask
from backstay.budgets.ledger import Ledger
from backstay.budgets.periods import Window
from backstay.budgets.standing import Standing
from backstay.config import parse
from backstay.errors import ErrorClass, Failure
from backstay.jobs.parked import WAKE_TASK, ParkedJobs
from backstay.jobs.record import State
from backstay.jobs.store import JobStore
from backstay.receipt import Receipt
from wake_parked_jobs import waking
from wake_parked_jobs.waking import LATE_S, Waker

SETTINGS = parse("[budgets.tenants.acme]\ndaily = 1\nmonthly = 9")
DAILY = "tenant:acme daily"


@pytest.fixture
def machine(operations, monkeypatch):
    """With the function's own waker, under the test's clock."""
    waker = Waker(operations.env, SETTINGS, operations.catalog, operations.clock)
    monkeypatch.setattr(Waker, "of_this_function", lambda: waker)
    return operations


@pytest.fixture
def standing(machine) -> Standing:
    return Standing(SETTINGS.budgets, machine.env.guards_table, machine.clock)


def park(machine, many, budget=DAILY, hours=9.0):
    """So many jobs that were refused by a budget."""
    parked = []
    for number in range(many):
        job = machine.submit("obey", {"text": str(number)}, tenant="acme")
        (message,) = machine.receive("obey")
        aws.sqs().delete_message(QueueUrl=machine.env.queue_url("obey"), ReceiptHandle=message["receiptHandle"])
        claimed = machine.store.claim(job.id, "obey", machine.clock(), timedelta(seconds=60), 1)
        failure = Failure(ErrorClass.BUDGET_EXCEEDED, f"budget {budget} is used up", budget=budget)
        now = machine.clock()
        due = now + timedelta(hours=hours, seconds=number)
        machine.store.save(claimed, claimed.parked(now, due, failure, Receipt()))
        parked.append(machine.record(job.id))
        machine.submitter.send_again(parked[-1])
    machine.clock.advance(1)
    return parked


def wake(machine, window="daily"):
    """Order it, and run the first portion; answers the waking job's id."""
    job = machine.submit(WAKE_TASK, {"scope": "tenant:acme", "window": window}, tenant="system")
    machine.deliver(WAKE_TASK)
    return job.id


def go_on(machine, seconds):
    machine.clock.advance(seconds)
    machine.make_visible(WAKE_TASK)
    machine.deliver(WAKE_TASK)


def result(machine, job_id):
    return json.loads(machine.record(job_id).result.inline)


def schedules():
    return [one["Name"] for one in aws.scheduler().list_schedules()["Schedules"]]


def test_all_that_wait_for_the_budget_go_on_and_no_others(machine, monkeypatch):
    monkeypatch.setattr(waking, "_CHUNK", 2)
    ours, others = park(machine, 5), park(machine, 1, "tenant:acme monthly")
    assert len(schedules()) == 6
    job = wake(machine)
    for _ in range(5):
        machine.deliver("obey")
    assert {machine.record(one.id).state for one in ours} == {State.COMPLETED}
    assert machine.record(others[0].id) == others[0]
    assert len(schedules()) == 1, "the other's"
    go_on(machine, LATE_S)
    assert result(machine, job) == {"woken": 5, "used_up_again": False}


def test_a_job_says_what_it_waited_for_until_it_goes_on(machine):
    (job,) = park(machine, 1)
    assert (job.budget, job.reason) == (DAILY, "budget_exceeded")
    wake(machine)
    woken = machine.record(job.id)
    assert (woken.state, woken.budget, woken.reason) == (State.DELAYED, None, "budget_raised")
    assert woken.failures == job.failures
    machine.deliver("obey")
    assert machine.record(job.id).reason is None


def test_one_that_is_parked_a_little_later_goes_on_too(machine):
    job = wake(machine)
    (late,) = park(machine, 1)
    go_on(machine, LATE_S)
    assert machine.record(late.id).reason == "budget_raised"
    assert result(machine, job) == {"woken": 1, "used_up_again": False}


def test_one_that_was_refused_again_is_not_woken_for_ever(machine):
    job = wake(machine)
    machine.clock.advance(LATE_S)
    (again,) = park(machine, 1)
    go_on(machine, 1)
    assert result(machine, job) == {"woken": 0, "used_up_again": False}
    assert machine.record(again.id).budget == DAILY


def test_nobody_is_woken_for_what_is_used_up_again(machine, standing):
    jobs = park(machine, 2)
    ledger = Ledger(SETTINGS.budgets, machine.env.guards_table, machine.clock)
    ledger.reserve(Ask(Decimal(1), ("tenant:acme",), 60)).settle(Decimal(1))
    ledger.settle_all()
    assert result(machine, wake(machine)) == {"woken": 0, "used_up_again": True}
    assert {machine.record(one.id).budget for one in jobs} == {DAILY}
    standing.set_limit("tenant:acme", Window.DAILY, Limit(Decimal(2)))
    wake(machine)
    assert {machine.record(one.id).budget for one in jobs} == {None}


def test_a_job_that_moves_meanwhile_is_left_alone(machine, monkeypatch):
    jobs = park(machine, 2)
    found = machine.store.get_many([job.id for job in jobs])
    monkeypatch.setattr(JobStore, "get_many", lambda self, ids: found if list(ids) else [])
    machine.store.save(found[0], found[0].cancelled(machine.clock(), timedelta(days=1)))
    parked = ParkedJobs(machine.env, machine.catalog, machine.clock)
    assert parked.wake(DAILY, machine.clock(), None, 10).jobs == 1
    assert machine.record(jobs[0].id).state is State.CANCELLED


def test_whether_any_job_waits_is_told_without_reading_them(machine):
    parked = ParkedJobs(machine.env, machine.catalog, machine.clock)
    assert not parked.are_there(DAILY)
    park(machine, 1)
    assert parked.are_there(DAILY)
    assert not parked.are_there("tenant:acme yearly")
