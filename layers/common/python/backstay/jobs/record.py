"""A job's record and its moves: pure, and the only place that knows which state may follow which."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backstay.clock import epoch_ms
from backstay.errors import BackstayError, ErrorClass, Failure
from backstay.jobs import keys
from backstay.jobs.step import Step
from backstay.receipt import Receipt


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    DELAYED = "delayed"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether the job is over, unless somebody redrives it."""
        return self in _TERMINAL


_TERMINAL = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})

MOVES: Mapping[State, frozenset[State]] = {
    State.WAITING: frozenset({State.ACTIVE, State.DELAYED, State.CANCELLED}),
    State.DELAYED: frozenset({State.ACTIVE, State.CANCELLED}),
    State.ACTIVE: frozenset(State),
    State.COMPLETED: frozenset(),
    State.FAILED: frozenset({State.WAITING}),
    State.CANCELLED: frozenset({State.WAITING}),
}
"""What may follow what (spec: jobs, states and their moves); `active` to itself is a claim after a lapsed lease, and
only a saga's redrive brings back what was cancelled, when it repeats the step that the job was for."""

FAILURES_KEPT = 10
"""Failures that a record lists; older ones are dropped, so that the item that changes state stays small."""


class IllegalMoveError(BackstayError):
    """A job was asked to go where its state does not lead."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Where a job's result is: in the record, in an item of its own, or in S3."""

    inline: str | None = None
    """JSON text."""
    s3_key: str | None = None
    size: int = 0
    """Bytes of JSON."""


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """One failure in a job's history."""

    attempt: int
    at: datetime
    error_class: ErrorClass
    message: str


@dataclass(frozen=True, slots=True)
class JobRecord:
    """The item that changes state. Times are UTC."""

    id: str
    task: str
    state: State
    key: str
    input_digest: str
    created_at: datetime
    changed_at: datetime
    """When the job came into its state."""
    version: int = 1
    priority: str = "normal"
    generation: int = 0
    """How often the job was redriven."""
    fence: int = 0
    """Grows with every claim; a worker may write only while it is the one that it was given."""
    attempts: int = 0
    """Claims that count as the job's own; waits for the world are given back."""
    excused: int = 0
    """Attempts that ended in a crash that a neighbour in the same batch may have caused."""
    waits: int = 0
    """How often the job was parked since it last ran to an end of its own."""
    company: int = 1
    """Jobs that the worker which holds the lease runs side by side."""
    due_at: datetime | None = None
    lease_until: datetime | None = None
    claimed_at: datetime | None = None
    started_at: datetime | None = None
    """First claim."""
    finished_at: datetime | None = None
    reason: str | None = None
    """Why the job is delayed or waits anew."""
    failures: tuple[FailedAttempt, ...] = ()
    error: Failure | None = None
    result: Payload | None = None
    preview: str | None = None
    """JSON text."""
    receipt: Receipt | None = None
    progress: int | None = None
    note: str | None = None
    cancel_requested: bool = False
    tags: tuple[str, ...] = ()
    callback_url: str | None = None
    key_id: str | None = None
    """The API key that submitted it; its webhook secret signs the callback."""
    lane: str | None = None
    """The line of jobs that run one at a time, and this job's number in it."""
    lane_number: int | None = None
    resends: int = 0
    """How often the sweeper has sent the job's message again since the job came into its state."""
    resent_at: datetime | None = None
    expires_at: datetime | None = None
    uncertain: bool = False
    """Whether a run of it may have had an effect that nobody has heard of: its worker died, it ran over its time, it
    lost its connection, or it was cancelled half-way."""
    budget: str | None = None
    """The budget that a parked job waits for, scope and window, such as `tenant:acme daily`."""
    step: Step | None = None
    """The saga step that waits for it; the newest, where several have."""
    trace: str | None = None
    """Where in which trace it was submitted, as `TraceContext.text` writes it; None where it is not traced."""

    @property
    def tenant(self) -> str:
        """Whose job it is."""
        return keys.tenant_of(self.id)

    @property
    def queue_wait_ms(self) -> int | None:
        """From when the job could have started to its first claim."""
        if self.started_at is None:
            return None
        return max(0, epoch_ms(self.started_at) - epoch_ms(self.created_at))

    @property
    def run_ms(self) -> int | None:
        """From the last claim to the end."""
        if self.claimed_at is None or self.finished_at is None:
            return None
        return max(0, epoch_ms(self.finished_at) - epoch_ms(self.claimed_at))

    @property
    def own_failures(self) -> int:
        """Attempts that the job itself used up."""
        return self.attempts - self.excused

    def lease_lapsed(self, now: datetime) -> bool:
        """Whether a worker claimed the job and never came back."""
        return self.state is State.ACTIVE and self.lease_until is not None and self.lease_until <= now

    def completed(self, now: datetime, result: Payload, receipt: Receipt, keep: timedelta) -> "JobRecord":
        """Done, with its result."""
        return replace(
            self._ended(State.COMPLETED, now, keep), result=result, receipt=receipt, error=None, progress=None
        )

    def failed(self, now: datetime, failure: Failure, receipt: Receipt | None, keep: timedelta) -> "JobRecord":
        """Failed for good."""
        return replace(
            self._ended(State.FAILED, now, keep),
            error=failure,
            receipt=receipt or self.receipt,
            failures=self._with(now, failure),
            uncertain=self.uncertain or failure.error_class.leaves_doubt,
        )

    def cancelled(self, now: datetime, keep: timedelta, receipt: Receipt | None = None) -> "JobRecord":
        """Called off."""
        ended = self._ended(State.CANCELLED, now, keep)
        uncertain = self.uncertain or self.state is State.ACTIVE
        return replace(ended, uncertain=uncertain, receipt=receipt or self.receipt)

    def to_retry(self, now: datetime, due: datetime, failure: Failure, receipt: Receipt) -> "JobRecord":
        """Failed for now; its message comes back at `due`."""
        return replace(
            self._moved(State.WAITING, now, State.ACTIVE),
            lease_until=None,
            due_at=due,
            reason=failure.error_class,
            failures=self._with(now, failure),
            receipt=receipt,
            waits=0,
            uncertain=self.uncertain or failure.error_class.leaves_doubt,
        )

    def parked(self, now: datetime, due: datetime, failure: Failure, receipt: Receipt) -> "JobRecord":
        """Waits for the world until `due`; the attempt is given back. After a portion of its work, all of them are."""
        between_portions = failure.error_class is ErrorClass.IN_PORTIONS
        return replace(
            self._moved(State.DELAYED, now),
            lease_until=None,
            due_at=due,
            reason=failure.error_class,
            failures=self.failures if between_portions else self._with(now, failure),
            receipt=receipt,
            attempts=0 if between_portions else max(0, self.attempts - 1),
            excused=0 if between_portions else self.excused,
            waits=self.waits + 1,
            uncertain=self.uncertain or failure.error_class.leaves_doubt,
            budget=failure.budget,
        )

    def woken(self, now: datetime) -> "JobRecord":
        """There is money again for what it waits for: it goes on now."""
        if self.state is not State.DELAYED or self.budget is None:
            raise IllegalMoveError(f"job {self.id} is {self.state} and waits for no budget")
        return replace(self, due_at=now, reason="budget_raised", budget=None, resends=0, resent_at=None)

    def resent(self, now: datetime) -> "JobRecord":
        """Its message, which may be lost, is sent again."""
        return replace(self, resends=self.resends + 1, resent_at=now)

    def revived(self, now: datetime, lane_number: int | None = None) -> "JobRecord":
        """Redriven: waits as new, with its key and history, its counters reset, at the end of its lane."""
        return self._anew(self._moved(State.WAITING, now, State.FAILED), lane_number)

    def repeated(self, now: datetime, lane_number: int | None = None) -> "JobRecord":
        """A failed or cancelled step's job, when its run is redriven: as `revived`."""
        return self._anew(self._moved(State.WAITING, now, State.FAILED, State.CANCELLED), lane_number)

    def _anew(self, moved: "JobRecord", lane_number: int | None) -> "JobRecord":
        return replace(
            moved,
            generation=self.generation + 1,
            attempts=0,
            excused=0,
            waits=0,
            started_at=None,
            claimed_at=None,
            finished_at=None,
            error=None,
            reason="redriven",
            due_at=None,
            expires_at=None,
            cancel_requested=False,
            lane_number=lane_number,
        )

    def cancel_asked(self) -> "JobRecord":
        """An active job that ends at its next safe point."""
        if self.state is not State.ACTIVE:
            raise IllegalMoveError(f"job {self.id} is {self.state}, not active")
        return replace(self, cancel_requested=True)

    def _ended(self, state: State, now: datetime, keep: timedelta) -> "JobRecord":
        return replace(
            self._moved(state, now), finished_at=now, lease_until=None, due_at=None, reason=None, expires_at=now + keep
        )

    def _moved(self, state: State, now: datetime, *only_from: State) -> "JobRecord":
        if state not in MOVES[self.state] or (only_from and self.state not in only_from):
            raise IllegalMoveError(f"job {self.id} is {self.state} and can't become {state}")
        return replace(self, state=state, changed_at=now, resends=0, resent_at=None, budget=None)

    def _with(self, now: datetime, failure: Failure) -> tuple[FailedAttempt, ...]:
        entry = FailedAttempt(self.attempts, now, failure.error_class, failure.message[:500])
        return (*self.failures, entry)[-FAILURES_KEPT:]
