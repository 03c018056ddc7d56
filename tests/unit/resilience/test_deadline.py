"""Deadlines, on a clock that the test moves."""

import math
import time

import pytest

from backstay.errors import ErrorClass, WorkError
from backstay.resilience.deadline import DeadlineExceeded, checkpoint, deadline, remaining_s
from backstay.running import Job, current_job
from backstay.settings import SettingsError


class Hand:
    """A clock's hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Hand:
    return Hand()


def test_a_checkpoint_after_the_time_names_the_operation_and_the_seconds(now):
    with deadline(5, "asking the oracle", now=now) as mine:
        now.at += 4
        checkpoint()
        assert mine.remaining_s == remaining_s() == 1
        now.at += 1
        with pytest.raises(DeadlineExceeded, match=r"asking the oracle took longer than the 5 s") as over:
            checkpoint()
    assert (over.value.operation, over.value.seconds) == ("asking the oracle", 5)
    assert isinstance(over.value, TimeoutError)
    assert isinstance(over.value, WorkError)
    assert over.value.failure.error_class is ErrorClass.TIMEOUT


def test_a_nested_deadline_never_outlasts_the_outer_one(now):
    with deadline(10, "outer", now=now):
        now.at += 7
        with deadline(60, "inner", now=now) as inner:
            assert inner.remaining_s == inner.seconds == 3
        with deadline(1, "inner", now=now) as inner:
            assert inner.remaining_s == 1
        assert remaining_s() == 3


def test_the_job_is_the_outermost_and_its_time_is_its_own():
    token = current_job.set(Job(deadline=time.monotonic() + 2))
    try:
        with deadline(60, "inner") as inner:
            assert 1 < inner.remaining_s <= 2
            assert inner.error_class is ErrorClass.TASK_TIMEOUT
        assert remaining_s() <= 2
    finally:
        current_job.reset(token)


def test_a_job_without_time_is_stopped_outside_of_any_block_too():
    token = current_job.set(Job(id="a.b", deadline=time.monotonic() - 1))
    try:
        with pytest.raises(DeadlineExceeded, match=r"job a\.b"):
            checkpoint()
    finally:
        current_job.reset(token)


def test_outside_of_everything_there_is_no_end():
    checkpoint()
    assert math.isinf(remaining_s())


def test_what_was_done_late_is_not_thrown_away(now):
    with deadline(1, "slow", now=now):
        now.at += 2


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan])
def test_seconds_that_are_no_time_are_refused(seconds):
    with pytest.raises(SettingsError, match="positive number"), deadline(seconds, "x"):
        pytest.fail("it began")
