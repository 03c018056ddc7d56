"""A run with all that is known of its steps: from their jobs, and from what was waited for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from backstay.clock import Clock, utc_now
from backstay.jobs.record import JobRecord, State
from backstay.jobs.step import Direction, job_of_step
from backstay.jobs.store import JobStore
from backstay.settings import Environment
from backstay.workflows.catalog import Sagas
from backstay.workflows.kept_plans import KeptPlans
from backstay.workflows.plan import SagaPlan, StepKind, StepPlan
from backstay.workflows.run import RunRecord, RunState, Wait
from backstay.workflows.run_store import RunStore
from backstay.workflows.shared_state import SHARED_PART, SharedState, shared_in
from backstay.workflows.waits import WAIT_PARTS, Answer, Verdict, answer_in, wait_in

_FIRST_PART, _LAST_PART = SHARED_PART, f"{WAIT_PARTS}~"


class Waiting(StrEnum):
    """Where a step stands that has no job, or none yet. One that has is where its job is."""

    PENDING = "pending"
    SKIPPED = "skipped"
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    RECEIVED = "received"
    TIMED_OUT = "timed_out"


_OF_VERDICT = {
    Verdict.APPROVED: Waiting.APPROVED,
    Verdict.REJECTED: Waiting.REJECTED,
    Verdict.RECEIVED: Waiting.RECEIVED,
}


class Left(StrEnum):
    """Why the effect of a step stands, though its run failed or was called off."""

    UNDO_FAILED = "undo_failed"
    IN_DOUBT = "in_doubt"
    """Nobody knows whether it had one, and it has no undo."""


@dataclass(frozen=True, slots=True)
class StepStanding:
    """One step of a run."""

    plan: StepPlan
    state: State | Waiting
    job: JobRecord | None = None
    undo: JobRecord | None = None
    """The job that undoes it, once there is one."""
    wait: Wait | None = None
    answer: Answer | None = None

    @property
    def is_undone(self) -> bool:
        """Whether it is taken back."""
        return self.undo is not None and self.undo.state is State.COMPLETED

    @property
    def is_in_doubt(self) -> bool:
        """Whether nobody knows if it had its effect: it timed out, say, or its worker died."""
        return self.job is not None and self.job.uncertain and self.job.state.is_terminal and not self._is_done

    @property
    def left(self) -> Left | None:
        """Why its effect stands once its run is over; None where it is undone, had none, or needs no undo."""
        if self.undo and self.undo.state in (State.FAILED, State.CANCELLED):
            return Left.UNDO_FAILED
        return Left.IN_DOUBT if self.is_in_doubt and self.plan.undo is None else None

    @property
    def _is_done(self) -> bool:
        return self.job is not None and self.job.state is State.COMPLETED

    @property
    def has_begun(self) -> bool:
        """Whether the run has come to it."""
        return self.job is not None or self.wait is not None


@dataclass(frozen=True, slots=True)
class RunStanding:
    """A run as it stands."""

    record: RunRecord
    state: RunState
    steps: tuple[StepStanding, ...]
    shared: SharedState
    plan: SagaPlan | None
    """Its saga as it was when the run was started; None where that is not known any more."""
    saga_has_changed: bool
    """Whether another one is deployed by now, or none."""

    @property
    def left(self) -> Mapping[str, Left]:
        """Steps whose effect stands, or may, though the run failed or was called off."""
        if not self.state.is_end or self.state is RunState.COMPLETED:
            return {}
        return {step.plan.name: step.left for step in self.steps if step.left}

    @property
    def cost_usd(self) -> Decimal:
        """What all its jobs have cost, undoing included."""
        jobs = (job for step in self.steps for job in (step.job, step.undo) if job and job.receipt)
        return sum((job.receipt.cost_usd for job in jobs if job.receipt), Decimal(0))


class RunReader:
    """Reads runs: the same few requests for each, however many there are."""

    def __init__(self, env: Environment, sagas: Sagas, clock: Clock = utc_now) -> None:
        self._plans = KeptPlans(env.workflows_table, sagas)
        self._runs, self._jobs, self._clock = RunStore(env.workflows_table), JobStore(env.jobs_table), clock

    def read(self, record: RunRecord) -> RunStanding:
        """A run with the steps that it was started with; without any where those are not known."""
        plan = self._plans.of(record)
        steps = plan.steps if plan else ()
        parts = self._runs.get_parts(record.id, _FIRST_PART, _LAST_PART)
        ids = {
            (step.name, direction): job_of_step(record.id, step.name, task, direction)
            for step in steps
            for direction, task in ((Direction.DO, step.task), (Direction.UNDO, step.undo))
            if task
        }
        found = {job.id: job for job in self._jobs.get_many(ids.values())}
        jobs = {place: found[job_id] for place, job_id in ids.items() if job_id in found}
        standings = standings_of(record, steps, jobs, parts, state := record.state_at(self._clock()))
        shared = shared_in(parts.get(SHARED_PART))
        return RunStanding(record, state, standings, shared, plan, self._plans.has_changed(record))


def standings_of(
    record: RunRecord,
    steps: tuple[StepPlan, ...],
    jobs: Mapping[tuple[str, Direction], JobRecord],
    parts: Mapping[str, Mapping[str, Any]],
    state: RunState,
) -> tuple[StepStanding, ...]:
    """How each step stands. Pure.

    Args:
        record: the run's.
        steps: of its saga.
        jobs: by step and direction.
        parts: other items of the run, by part.
        state: the run's at this moment.
    """
    standings: list[StepStanding] = []
    went_on = state is RunState.COMPLETED
    for step in reversed(steps):
        item = parts.get(WAIT_PARTS + step.event) if step.event else None
        standing = StepStanding(
            plan=step,
            state=Waiting.PENDING,
            job=jobs.get((step.name, Direction.DO)),
            undo=jobs.get((step.name, Direction.UNDO)),
            wait=wait_in(item),
            answer=answer_in(item),
        )
        standings.append(_placed(standing, went_on=went_on, is_awaited=_awaits(record, state, step)))
        went_on = went_on or standing.has_begun
    return tuple(reversed(standings))


def _awaits(record: RunRecord, state: RunState, step: StepPlan) -> bool:
    is_waiting = state in (RunState.WAITING_FOR_APPROVAL, RunState.WAITING_FOR_SIGNAL)
    return bool(is_waiting and record.wait and record.wait.step == step.name)


def _placed(standing: StepStanding, *, went_on: bool, is_awaited: bool) -> StepStanding:
    state: State | Waiting
    if standing.plan.kind is StepKind.TASK:
        state = standing.job.state if standing.job else (Waiting.SKIPPED if went_on else Waiting.PENDING)
    elif is_awaited:
        state = Waiting.WAITING
    elif standing.wait is None:
        state = Waiting.SKIPPED if went_on else Waiting.PENDING
    else:
        state = _OF_VERDICT[standing.answer.verdict] if standing.answer else Waiting.TIMED_OUT
    return replace(standing, state=state)
