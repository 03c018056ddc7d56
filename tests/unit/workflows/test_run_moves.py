"""A run's moves: whatever Step Functions tells twice, late or out of order leaves the same record."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.workflows.run import (
    ENDS,
    IllegalRunMoveError,
    Mode,
    Outcome,
    RunRecord,
    RunState,
    Stuck,
    Wait,
    WaitKind,
    end_of,
    execution_name,
    of_execution_name,
    run_id,
)
from backstay.workflows.run_items import from_item, to_item
from backstay.workflows.run_statistics import bucket_of, contribution, difference, numbers_of
from tests.unit.workflows.made_up_runs import NOW, RUN

OUTCOME = Outcome(timedelta(days=7), timedelta(days=30), "compensated", "rejected: no")
WAIT = Wait("approval", "yes", WaitKind.APPROVAL, 1, "2026-11-25T08:00:01.000Z", NOW + timedelta(hours=1))


def at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


ends = st.sampled_from(sorted(ENDS))


@st.composite
def histories(draw):
    """What a run is told in one possible order of things, and the same shuffled, with some of it repeated."""
    waits = [
        replace(WAIT, execution=1, event=f"event-{number}", entered_at=f"2026-11-25T08:00:0{number}.000Z")
        for number in range(draw(st.integers(0, 3)))
    ]
    told = [("began", 1)]
    for wait in waits:
        told += [("waits", wait), ("answered", wait)]
    end = draw(ends)
    told += [("ended", end)]
    repeated = told + draw(st.lists(st.sampled_from(told), max_size=6))
    return told, draw(st.permutations(repeated))


def tell(record: RunRecord, what) -> RunRecord:
    match what:
        case ("began", number):
            return record.began(number)
        case ("waits", wait):
            return record.waits(wait, NOW)
        case ("answered", wait):
            return record.answered(wait, NOW)
        case ("ended", end):
            return record.ended(1, end, at(9), OUTCOME)
    raise AssertionError(what)


@given(histories())
def test_duplicates_and_events_out_of_order_end_in_the_same_record(history):
    in_order, shuffled = history
    expected, found = RUN, RUN
    for what in in_order:
        expected = tell(expected, what)
    for what in shuffled:
        found = tell(found, what)
    # Which wait was the last is of no interest to a run that is over, and nobody tells of it after its end.
    assert replace(found, wait=None) == replace(expected, wait=None)
    assert found.state.is_end
    assert found.confirmed == 1


@given(st.permutations([("waits", WAIT), ("answered", WAIT), ("answered", WAIT), ("waits", WAIT)]))
def test_an_answer_that_is_known_before_its_wait_leaves_nobody_waiting(told):
    record = RUN
    for what in told:
        record = tell(record, what)
    assert record.state is RunState.RUNNING
    assert record.wait is not None
    assert record.wait.is_answered


moves = st.lists(
    st.one_of(
        st.tuples(st.just("began"), st.integers(1, 4)),
        st.tuples(st.just("ended"), st.integers(1, 4), ends),
        st.tuples(st.just("broke"), st.integers(1, 4)),
        st.tuples(st.just("abort")),
        st.tuples(st.just("redrive")),
        st.tuples(st.just("stuck"), st.booleans()),
        st.tuples(st.just("waits"), st.integers(1, 4)),
    ),
    max_size=12,
)


def apply(record: RunRecord, move, second: int) -> RunRecord:
    try:
        match move:
            case ("began", execution):
                return record.began(execution)
            case ("ended", execution, end):
                return record.ended(execution, end, at(second), OUTCOME)
            case ("broke", execution):
                return record.broke(execution, at(second), OUTCOME)
            case ("abort",):
                return record.aborting(at(second))
            case ("redrive",):
                return record.redriving(at(second))
            case ("stuck", is_stuck):
                return record.seen_stuck(Stuck(NOW, 900, "deliver") if is_stuck else None)
            case ("waits", execution):
                return record.waits(replace(WAIT, execution=execution, entered_at=at(second).isoformat()), at(second))
    except IllegalRunMoveError:
        return record
    raise AssertionError(move)


@given(moves)
def test_statistics_are_exactly_what_the_runs_come_to_whatever_became_of_them(history):
    record, counted = RUN, dict(contribution(RUN))
    for second, move in enumerate(history):
        moved = apply(record, move, second)
        for name, count in difference(record, moved).items():
            counted[name] = counted.get(name, 0) + count
        record = moved
    assert {name: count for name, count in counted.items() if count} == {
        name: count for name, count in contribution(record).items() if count
    }
    numbers = numbers_of(counted)
    assert numbers.started == 1
    assert numbers.running == (0 if record.state.is_end else 1)
    assert numbers.stuck == (1 if record.stuck else 0)


@given(moves)
def test_a_record_survives_its_item(history):
    record = RUN
    for second, move in enumerate(history):
        record = apply(record, move, second)
    item = {name: value for name, value in to_item(record).items() if value is not None}
    assert from_item(item) == record
    assert (record.ended_at is not None) == record.state.is_end
    assert record.expires_at is None or record.state.is_end


@given(moves)
def test_only_the_newest_execution_decides(history):
    record = RUN
    for second, move in enumerate(history):
        record = apply(record, move, second)
    older = record.execution - 1
    assert record.ended(older, RunState.COMPLETED, at(99), OUTCOME) == record
    assert record.broke(older, at(99), OUTCOME) == record


def test_a_run_that_broke_is_undone_and_one_that_broke_while_being_undone_needs_a_person():
    first = RUN.broke(1, at(1), replace(OUTCOME, error="States.Timeout", cause="too long"))
    assert (first.state, first.mode, first.execution) == (RunState.RUNNING, Mode.ABORT, 2)
    second = first.broke(2, at(2), replace(OUTCOME, error="States.Runtime", cause=None))
    assert second.state is RunState.COMPENSATION_FAILED
    assert (second.error, second.cause) == ("States.Runtime", "too long")


def test_a_run_is_redriven_from_where_it_failed():
    failed = RUN.ended(1, RunState.FAILED, at(1), OUTCOME)
    again = failed.redriving(at(100))
    assert (again.mode, again.execution, again.state, again.redrives) == (Mode.DO, 2, RunState.RUNNING, 1)
    assert again.ended(2, RunState.COMPLETED, at(101), OUTCOME).duration_ms == 1_000, "idle time is not its own"
    half = RUN.ended(1, RunState.COMPENSATION_FAILED, at(1), OUTCOME)
    assert half.redriving(at(2)).mode is Mode.UNDO
    for end in (RunState.COMPLETED, RunState.ABORTED, RunState.COMPENSATED):
        with pytest.raises(IllegalRunMoveError, match="can be redriven"):
            RUN.ended(1, end, at(1), OUTCOME).redriving(at(2))


def test_a_run_is_aborted_once_and_only_while_it_goes_on():
    aborting = RUN.aborting(at(1))
    with pytest.raises(IllegalRunMoveError, match="being undone already"):
        aborting.aborting(at(2))
    with pytest.raises(IllegalRunMoveError, match="isn't over"):
        RUN.ended(1, RunState.COMPLETED, at(1), OUTCOME).aborting(at(2))


def test_a_wait_that_nobody_ended_is_over_at_its_time():
    waiting = RUN.waits(WAIT, at(1))
    assert waiting.state_at(at(1)) is RunState.WAITING_FOR_APPROVAL
    assert waiting.state_at(at(3600)) is RunState.RUNNING
    assert waiting.wait_lapsed(at(1)) == waiting
    assert waiting.wait_lapsed(at(3600)).state is RunState.RUNNING


@pytest.mark.parametrize(
    ("status", "error", "end"),
    [
        ("SUCCEEDED", None, RunState.COMPLETED),
        ("FAILED", "compensated", RunState.COMPENSATED),
        ("FAILED", "aborted", RunState.ABORTED),
        ("FAILED", "completed", None),
        ("FAILED", "States.DataLimitExceeded", None),
        ("TIMED_OUT", None, None),
        ("ABORTED", None, None),
    ],
)
def test_what_an_execution_ends_with_says_what_became_of_the_run(status, error, end):
    assert end_of(status, error) is end


def test_an_executions_name_tells_its_run():
    assert of_execution_name(execution_name(RUN.id, 12)) == (RUN.id, 12)
    assert of_execution_name("started-by-hand") is None
    assert len(execution_name(run_id("a" * 32, "s", "k"), 1_000)) <= 80


@given(st.integers(0, 10**10))
def test_a_durations_bucket_tells_it_to_about_a_tenth(duration_ms):
    record = replace(RUN, begun_at=NOW).ended(1, RunState.COMPLETED, NOW + timedelta(milliseconds=duration_ms), OUTCOME)
    numbers = numbers_of(contribution(record))
    assert numbers.average_s == duration_ms / 1000
    if 100 < duration_ms < 2 * 10**9:
        assert numbers.p95_s == pytest.approx(duration_ms / 1000, rel=0.11)
    assert bucket_of(duration_ms) <= bucket_of(duration_ms + 1)
