"""A lane's turn is never lost, whatever comes between a look at the line and a write."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from backstay.jobs.lanes import Lanes, Line
from backstay.jobs.record import JobRecord, Payload
from backstay.receipt import Receipt


class Interrupted(Lanes):
    """Lets something happen between the look at the line and what follows from it, once."""

    def __init__(self, table: str, meanwhile: Callable[[], object]) -> None:
        super().__init__(table)
        self._meanwhile: Callable[[], object] | None = meanwhile

    def _first(self, lane: str) -> str | None:
        first = super()._first(lane)
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile:
            meanwhile()
        return first


@pytest.fixture
def waiting(machine: Any) -> tuple[JobRecord, JobRecord]:
    """Two jobs of one lane; the first has the turn."""
    first, second = (machine.submit("obey-in-order", {"session": "s", "text": text}) for text in "ab")
    return first, second


def _end(machine: Any, record: JobRecord) -> JobRecord:
    """Complete a job without telling anybody, as a worker does that has not come to that yet."""
    claimed = machine.store.claim(record.id, record.task, machine.clock(), timedelta(seconds=9), 1)
    done = claimed.completed(machine.clock(), Payload(inline="{}"), Receipt(), timedelta(days=1))
    machine.store.save(claimed, done)
    return done


def test_a_job_that_joins_while_the_one_before_it_leaves_gets_the_turn(
    machine: Any, waiting: tuple[JobRecord, JobRecord]
):
    first, second = waiting
    table = machine.env.jobs_table
    lanes = Interrupted(table, lambda: Lanes(table).leave(_end(machine, first)))
    Line(lanes, machine.submitter.resend).join(second)
    assert lanes.turn(second.lane) == second.id


def test_a_job_that_stands_in_line_after_its_end_keeps_nobody_waiting(
    machine: Any, waiting: tuple[JobRecord, JobRecord]
):
    first, second = waiting
    lanes = Lanes(machine.env.jobs_table)
    lanes.leave(_end(machine, first))
    lanes.enter(first)  # a worker that had read it before it ended
    Line(lanes, machine.submitter.resend).join(second)
    assert lanes.turn(second.lane) == second.id
