"""What becomes of a job that failed: one pure decision."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from backstay.errors import Disposition, ErrorClass, Failure
from backstay.jobs.record import JobRecord
from backstay.resilience.retry import RetryPolicy
from backstay.task import Limits

LONGEST_BACKOFF_S = 900
"""SQS's longest delay; a computed backoff never exceeds it."""

_FIRST_PARK_S = 15
_SHORTEST_S = 1


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Try again by the message's visibility; the attempt is used up."""

    delay_s: int


@dataclass(frozen=True, slots=True)
class ParkUntil:
    """Wait for the world; no attempt is used up."""

    due: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Failed for good, with what the record shall say."""

    failure: Failure


Verdict = RetryAfter | ParkUntil | GiveUp


def decide_retry(failure: Failure, record: JobRecord, limits: Limits, now: datetime, luck: float) -> Verdict:
    """Decide about a claimed job that failed.

    Args:
        failure: what happened.
        record: as claimed; `attempts` counts this run.
        limits: the task's.
        now: UTC.
        luck: 0 to 1, the jitter's random number.
    """
    match failure.error_class.disposition:
        case Disposition.FAIL:
            return GiveUp(failure)
        case Disposition.RETRY:
            policy = RetryPolicy(limits.max_attempts, limits.backoff, cap_s=LONGEST_BACKOFF_S, floor_s=_SHORTEST_S)
            if not policy.allows(record.own_failures):
                return GiveUp(failure)
            return RetryAfter(math.ceil(policy.delay_s(record.own_failures, luck, failure.retry_after_s)))
        case Disposition.PARK:
            if failure.error_class is ErrorClass.BUDGET_EXCEEDED and limits.at_budget_limit == "fail":
                return GiveUp(failure)
            return _park(failure, record, limits, now, luck)


def _park(failure: Failure, record: JobRecord, limits: Limits, now: datetime, luck: float) -> Verdict:
    if failure.error_class is ErrorClass.IN_PORTIONS:
        return ParkUntil(now + timedelta(seconds=max(float(_SHORTEST_S), failure.retry_after_s or 0)))
    last_call = (record.started_at or now) + timedelta(seconds=limits.give_up_after)
    if now >= last_call:
        waited = f"waited {limits.give_up_after} s for the world and gave up; last: "
        return GiveUp(Failure(ErrorClass.GAVE_UP, f"{waited}{failure.error_class}: {failure.message}"))
    wait_s = _told_wait_s(failure, record, luck)
    if wait_s is None:
        ceiling = min(LONGEST_BACKOFF_S, _FIRST_PARK_S * 2 ** min(record.waits, 10))
        wait_s = ceiling * (0.5 + luck / 2)  # never near 0: a provider that is down is not asked at once
    due = now + timedelta(seconds=max(float(_SHORTEST_S), wait_s))
    return ParkUntil(min(due, max(last_call, now + timedelta(seconds=_SHORTEST_S))))


def _told_wait_s(failure: Failure, record: JobRecord, luck: float) -> float | None:
    """What the other side asks us to wait. A provider tells many jobs the same; who is refused again comes later."""
    if failure.retry_after_s is None or failure.error_class is not ErrorClass.RATE_LIMITED or not record.waits:
        return failure.retry_after_s
    return failure.retry_after_s + luck * min(LONGEST_BACKOFF_S, 2.0 ** min(record.waits, 10))
