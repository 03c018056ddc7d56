"""The retry decision, pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.errors import Disposition, ErrorClass, Failure
from backstay.jobs.record import JobRecord, State
from backstay.jobs.retry import GiveUp, ParkUntil, RetryAfter, decide_retry
from backstay.task import Limits

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = Limits(timeout=60, max_attempts=3, backoff=2, concurrency=20, give_up_after=3600, memory_mb=512)


def active(**more) -> JobRecord:
    return JobRecord("a." + "a" * 24, "t", State.ACTIVE, "k", "d", NOW, NOW, started_at=NOW, **more)


@pytest.mark.parametrize("error_class", list(ErrorClass))
def test_every_class_has_a_verdict_of_its_disposition(error_class):
    verdict = decide_retry(Failure(error_class, "x"), active(attempts=1), LIMITS, NOW, 0.5)
    expected = {Disposition.FAIL: GiveUp, Disposition.PARK: ParkUntil, Disposition.RETRY: RetryAfter}
    assert isinstance(verdict, expected[error_class.disposition])


def test_the_last_attempt_gives_up_and_an_excused_one_does_not_count():
    failure = Failure(ErrorClass.TASK_ERROR, "x")
    assert decide_retry(failure, active(attempts=3), LIMITS, NOW, 0.5) == GiveUp(failure)
    assert isinstance(decide_retry(failure, active(attempts=3, excused=1), LIMITS, NOW, 0.5), RetryAfter)


def test_what_the_other_side_asks_for_wins():
    failure = Failure(ErrorClass.RATE_LIMITED, "x", retry_after_s=42)
    assert decide_retry(failure, active(attempts=1), LIMITS, NOW, 0.5) == ParkUntil(NOW + timedelta(seconds=42))
    own = Failure(ErrorClass.TASK_ERROR, "x", retry_after_s=42)
    assert decide_retry(own, active(attempts=1), LIMITS, NOW, 0.5) == RetryAfter(42)


def test_who_is_limited_again_comes_later_than_it_was_told_so_that_not_all_come_at_once():
    failure = Failure(ErrorClass.RATE_LIMITED, "x", retry_after_s=10)
    again = decide_retry(failure, active(attempts=1, waits=3), LIMITS, NOW, 0.5)
    assert again == ParkUntil(NOW + timedelta(seconds=10 + 0.5 * 8))
    ours = Failure(ErrorClass.RATE_EXCEEDED, "our own limit tells each its time", retry_after_s=10)
    assert decide_retry(ours, active(attempts=1, waits=3), LIMITS, NOW, 0.5) == ParkUntil(NOW + timedelta(seconds=10))


def test_a_job_that_waited_long_enough_gives_up_and_names_the_last_reason():
    later = NOW + timedelta(seconds=3600)
    verdict = decide_retry(Failure(ErrorClass.OVERLOADED, "busy"), active(attempts=1), LIMITS, later, 0.5)
    assert isinstance(verdict, GiveUp)
    assert verdict.failure.error_class is ErrorClass.GAVE_UP
    assert "overloaded: busy" in verdict.failure.message


@given(st.integers(0, 100_000), st.integers(0, 3599), st.floats(0, 1), st.none() | st.floats(0, 1e6))
def test_parking_never_outlasts_give_up_after(waits, waited_s, luck, retry_after_s):
    now = NOW + timedelta(seconds=waited_s)
    failure = Failure(ErrorClass.SERVER, "x", retry_after_s)
    verdict = decide_retry(failure, active(attempts=1, waits=waits), LIMITS, now, luck)
    assert isinstance(verdict, ParkUntil)
    assert now < verdict.due <= NOW + timedelta(seconds=3601)


def test_a_task_may_have_its_jobs_fail_at_a_hard_limit_instead_of_waiting_for_money():
    impatient = replace(LIMITS, at_budget_limit="fail")
    exceeded, held = Failure(ErrorClass.BUDGET_EXCEEDED, "total daily", 9), Failure(ErrorClass.BUDGET_HELD, "held", 9)
    assert decide_retry(exceeded, active(attempts=1), impatient, NOW, 0.5) == GiveUp(exceeded)
    assert decide_retry(exceeded, active(attempts=1), LIMITS, NOW, 0.5) == ParkUntil(NOW + timedelta(seconds=9))
    assert decide_retry(held, active(attempts=1), impatient, NOW, 0.5) == ParkUntil(NOW + timedelta(seconds=9))
