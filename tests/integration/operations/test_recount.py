"""Counting anew."""

from collections.abc import Callable
from typing import Any

import pytest

from backstay.jobs.counter_store import CounterStore, task_counters_id, tenant_counters_id
from backstay.jobs.record import State
from backstay.jobs.recount import Correction, NotQuietError, Recount


@pytest.fixture
def recount(machine: Any) -> Callable[..., Recount]:
    def make(wait: Callable[[float], None] = lambda _seconds: None) -> Recount:
        return Recount(machine.env.jobs_table, machine.catalog.names, wait)

    return make


def test_what_was_never_counted_is_counted(machine: Any, recount: Callable[..., Recount]) -> None:
    machine.submit("obey", {"text": "done"}, tenant="acme")
    machine.submit("obey", {"reject": True}, tenant="umbrella")
    machine.deliver("obey")
    machine.submit("obey", {"text": "waits"}, tenant="acme")
    corrections = recount().rebuild()
    assert corrections == (
        Correction("obey", State.WAITING, 0, 1),
        Correction("obey", State.COMPLETED, 0, 1),
        Correction("obey", State.FAILED, 0, 1),
        Correction("obey", State.WAITING, 0, 1, "acme"),
        Correction("obey", State.COMPLETED, 0, 1, "acme"),
        Correction("obey", State.FAILED, 0, 1, "umbrella"),
    )
    assert recount().rebuild() == ()


def test_jobs_that_are_over_and_gone_stay_counted_and_what_waits_no_more_does_not(
    machine: Any, recount: Callable[..., Recount]
) -> None:
    counters = CounterStore(machine.env.jobs_table)
    counters.add_to(task_counters_id("obey"), {"completed": 7, "waiting": 3, "active": -2, "run_ms": 90})
    counters.add_to(tenant_counters_id("acme"), {"obey#completed": 7})
    machine.submit("obey", {}, tenant="acme")
    recount().rebuild()
    assert counters.kept(task_counters_id("obey")) == {"completed": 7, "waiting": 1, "active": 0, "run_ms": 90}
    assert counters.kept(tenant_counters_id("acme")) == {"obey#completed": 7, "obey#waiting": 1}


def test_nothing_is_written_while_jobs_change_state(machine: Any, recount: Callable[..., Recount]) -> None:
    machine.submit("obey", {})
    with pytest.raises(NotQuietError):
        recount(lambda _seconds: machine.submit("obey", {"text": "another"})).rebuild()
    assert CounterStore(machine.env.jobs_table).kept(task_counters_id("obey")) == {}


def test_nothing_is_written_while_counters_catch_up(machine: Any, recount: Callable[..., Recount]) -> None:
    counters = CounterStore(machine.env.jobs_table)
    machine.submit("obey", {})
    with pytest.raises(NotQuietError):
        recount(lambda _seconds: counters.add_to(task_counters_id("obey"), {"waiting": 1})).rebuild()
    assert counters.kept(task_counters_id("obey")) == {"waiting": 1}
