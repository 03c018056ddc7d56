"""A lane's turn is never lost, whatever comes between a look at the line and a write."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backstay import aws
from backstay.clock import utc_now
from backstay.dynamodb import decode_item
from backstay.jobs.lanes import Lanes, Line
from backstay.jobs.record import JobRecord, Payload
from backstay.receipt import Receipt
from tests.integration.conftest import SettableClock


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


def head_of(machine: Any, lane: str) -> dict[str, Any]:
    key = {"id": {"S": lane}, "part": {"S": "head"}}
    return decode_item(aws.dynamodb().get_item(TableName=machine.env.jobs_table, Key=key)["Item"])


def test_a_head_goes_long_after_its_last_number_or_turn(machine: Any, waiting: tuple[JobRecord, JobRecord]):
    first, _ = waiting
    before = head_of(machine, first.lane)
    assert timedelta(days=367) < datetime.fromtimestamp(before["ttl"], UTC) - utc_now() < timedelta(days=401)

    later = SettableClock()
    later.advance(86_400)
    lanes = Lanes(machine.env.jobs_table, later)
    lanes.leave(first)
    lanes.call_next(first.lane)
    assert head_of(machine, first.lane)["ttl"] >= before["ttl"] + 86_400


def test_no_number_is_given_twice_where_a_head_has_gone(machine: Any, waiting: tuple[JobRecord, JobRecord]):
    _, second = waiting
    key = {"id": {"S": second.lane}, "part": {"S": "head"}}
    aws.dynamodb().delete_item(TableName=machine.env.jobs_table, Key=key)
    third = machine.submit("obey-in-order", {"session": "s", "text": "c"})
    assert third.lane == second.lane
    assert third.lane_number > second.lane_number


def test_a_head_that_a_turn_brings_back_is_its_tenants_and_goes_like_any(
    machine: Any, waiting: tuple[JobRecord, JobRecord]
):
    first, _ = waiting
    before = head_of(machine, first.lane)
    key = {"id": {"S": first.lane}, "part": {"S": "head"}}
    aws.dynamodb().delete_item(TableName=machine.env.jobs_table, Key=key)
    assert Lanes(machine.env.jobs_table).call_next(first.lane) == first.id
    after = head_of(machine, first.lane)
    assert after["tenant_key"] == before["tenant_key"]
    assert after["ttl"] >= before["ttl"]
