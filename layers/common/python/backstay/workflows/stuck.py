"""What takes too long in a run: pure. Waits for people and for other runs don't count."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from backstay.clock import from_iso
from backstay.jobs.record import JobRecord
from backstay.workflows.plan import SagaPlan
from backstay.workflows.run import RunRecord, RunState, Stuck

STEP_LIMIT_S = 900
"""Where no step is known that is under way: between two, or while one's message waits in its queue."""

QUIET_FOR = timedelta(minutes=2)


def what_is_stuck(record: RunRecord, plan: SagaPlan, jobs: Iterable[JobRecord], now: datetime) -> Stuck | None:
    """The step that takes longer than its limit, else the run that does; None while all is well.

    Args:
        record: the run's.
        plan: its saga's.
        jobs: those of its steps that are on record, undoing included.
        now: the moment.
    """
    if record.state_at(now) is not RunState.RUNNING:
        return None
    known = list(jobs)
    limits = {step.name: step.stuck_after_s for step in plan.steps}
    for job in known:
        if job.step and not job.state.is_terminal:
            since = max(record.changed_at, from_iso(job.step.entered_at))
            limit_s = limits.get(job.step.name, STEP_LIMIT_S)
            return _over(since, limit_s, job.step.name, now) or _run_over(record, plan, now)
    ends = [job.finished_at for job in known if job.finished_at]
    between = _over(max([record.changed_at, *ends]), STEP_LIMIT_S, None, now)
    return _run_over(record, plan, now) or between


def has_gone_quiet(record: RunRecord, jobs: Iterable[JobRecord], now: datetime) -> bool:
    """Whether nothing is under way and nothing has happened for so long that word of the run's end may be lost."""
    known = list(jobs)
    if any(not job.state.is_terminal for job in known):
        return False
    last = max([record.changed_at, *(job.finished_at for job in known if job.finished_at)])
    return now - last > QUIET_FOR


def _run_over(record: RunRecord, plan: SagaPlan, now: datetime) -> Stuck | None:
    """Since it was begun, or since it waited last for somebody else."""
    return _over(max(record.begun_at, _resumed_at(record)), plan.stuck_after_s, None, now)


def _resumed_at(record: RunRecord) -> datetime:
    return record.changed_at if record.wait else record.begun_at


def _over(since: datetime, limit_s: int, step: str | None, now: datetime) -> Stuck | None:
    return Stuck(since, limit_s, step) if now - since > timedelta(seconds=limit_s) else None
