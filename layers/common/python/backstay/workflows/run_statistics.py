"""What runs add to their saga's statistics: pure. Every write of a record brings the difference that it makes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from backstay.workflows.run import FAILURES, RunRecord, RunState

_FIRST_BOUND_MS = 100
_GROWTH = 1.2
_BUCKETS = 96
"""From 100 ms to over a month; what a run took is told to a tenth by the bucket that it lies in."""

_BUCKET = "took#"
_STARTED, _STUCK, _TOOK_MS = "started", "stuck", "took_ms"


@dataclass(frozen=True, slots=True)
class SagaNumbers:
    """One saga's, over all time. Runs that have expired stay counted."""

    started: int
    completed: int
    failed: int
    """Runs that ended compensated, compensation_failed or failed."""
    ends: Mapping[RunState, int]
    running: int
    """Not over yet; those that wait too."""
    stuck: int
    """Now."""
    error_rate: float | None
    """Failed ones of those that completed or failed, 0 to 1; None while there are none."""
    average_s: float | None
    """From start to end, of all runs that are over."""
    p95_s: float | None
    """To about a tenth."""


def contribution(record: RunRecord | None) -> Counter[str]:
    """What a run as it stands counts for."""
    if record is None:
        return Counter()
    counts = Counter({_STARTED: 1})
    if record.stuck:
        counts[_STUCK] = 1
    if record.state.is_end and record.duration_ms is not None:
        counts[str(record.state)] = 1
        counts[_TOOK_MS] = record.duration_ms
        counts[f"{_BUCKET}{bucket_of(record.duration_ms)}"] = 1
    return counts


def difference(old: RunRecord | None, new: RunRecord) -> dict[str, int]:
    """What is to be added to the counters when a record is written over another."""
    counts = contribution(new)
    counts.subtract(contribution(old))
    return {name: count for name, count in sorted(counts.items()) if count}


def numbers_of(counts: Mapping[str, int]) -> SagaNumbers:
    """The counters as a person reads them."""
    ends = {state: max(0, counts.get(str(state), 0)) for state in RunState if state.is_end}
    over, completed = sum(ends.values()), ends[RunState.COMPLETED]
    failed = sum(ends[state] for state in FAILURES)
    buckets = {int(name.removeprefix(_BUCKET)): n for name, n in counts.items() if name.startswith(_BUCKET) and n > 0}
    return SagaNumbers(
        started=counts.get(_STARTED, 0),
        completed=completed,
        failed=failed,
        ends=ends,
        running=max(0, counts.get(_STARTED, 0) - over),
        stuck=max(0, counts.get(_STUCK, 0)),
        error_rate=failed / (completed + failed) if completed + failed else None,
        average_s=counts.get(_TOOK_MS, 0) / over / 1000 if over else None,
        p95_s=_quantile_s(buckets, 0.95),
    )


def bucket_of(duration_ms: int) -> int:
    """The bucket that a duration lies in: the first whose upper bound it doesn't pass."""
    bound, bucket = float(_FIRST_BOUND_MS), 0
    while duration_ms > bound and bucket < _BUCKETS - 1:
        bound, bucket = bound * _GROWTH, bucket + 1
    return bucket


def _quantile_s(buckets: Mapping[int, int], share: float) -> float | None:
    """The middle of the bucket in which that share of all is reached."""
    wanted = share * sum(buckets.values())
    reached = 0
    for bucket in sorted(buckets):
        reached += buckets[bucket]
        if reached >= wanted:
            return float(_FIRST_BOUND_MS * _GROWTH ** (bucket - 0.5) / 1000)
    return None
