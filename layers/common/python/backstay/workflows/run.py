"""A run's record and its moves: pure. Whatever is told twice, late or out of order leaves the same record."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backstay.errors import BackstayError
from backstay.jobs import keys


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    WAITING_FOR_SIGNAL = "waiting_for_signal"
    COMPLETED = "completed"
    COMPENSATED = "compensated"
    """A step failed, and all that had been done is undone."""
    COMPENSATION_FAILED = "compensation_failed"
    """A step failed, and so did the undoing of another: a person is needed."""
    FAILED = "failed"
    """A step failed, and nothing was there to undo."""
    ABORTED = "aborted"
    """Called off or rejected by a person, and undone."""

    @property
    def is_end(self) -> bool:
        """Whether the run is over, unless somebody redrives it."""
        return self in ENDS

    @property
    def is_failure(self) -> bool:
        """Whether the run ended in what nobody wanted."""
        return self in FAILURES


FAILURES = frozenset({RunState.COMPENSATED, RunState.COMPENSATION_FAILED, RunState.FAILED})
ENDS = frozenset({RunState.COMPLETED, RunState.ABORTED, *FAILURES})


class Mode(StrEnum):
    """What an execution of a run's state machine is for."""

    DO = "do"
    UNDO = "undo"
    ABORT = "abort"


class WaitKind(StrEnum):
    """What ends a wait."""

    APPROVAL = "approval"
    SIGNAL = "signal"


_STATE_OF_WAIT: Mapping[WaitKind, RunState] = {
    WaitKind.APPROVAL: RunState.WAITING_FOR_APPROVAL,
    WaitKind.SIGNAL: RunState.WAITING_FOR_SIGNAL,
}


class IllegalRunMoveError(BackstayError):
    """A run was asked for what its state doesn't allow; the text says what does."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A step that waits for a person or for another run."""

    step: str
    event: str
    kind: WaitKind
    execution: int
    entered_at: str
    """When the state was entered, as Step Functions says it: ISO 8601 in UTC, which sorts as text."""
    until: datetime | None = None
    """When the wait is over whoever comes."""
    is_answered: bool = False

    def is_newer_than(self, other: "Wait | None") -> bool:
        """Whether this wait began after the other."""
        return other is None or (self.execution, self.entered_at) > (other.execution, other.entered_at)

    def is_same_as(self, other: "Wait | None") -> bool:
        """Whether both are one and the same stay in a state."""
        return other is not None and (self.execution, self.entered_at) == (other.execution, other.entered_at)


@dataclass(frozen=True, slots=True)
class Stuck:
    """What has taken too long."""

    since: datetime
    limit_s: int
    step: str | None = None
    """None where it is the run as a whole."""
    is_told: bool = False
    """Whether somebody has been told."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The item that changes state. Times are UTC."""

    id: str
    saga: str
    state: RunState
    key: str
    input_digest: str
    started_at: datetime
    changed_at: datetime
    """When the run came into its state."""
    begun_at: datetime
    """When it was started, or redriven last; what it takes counts from here."""
    version: int = 0
    """Grows with every write; a writer may write only over what it has read."""
    execution: int = 1
    """Number of the execution that counts; what older ones say is of no more interest."""
    mode: Mode = Mode.DO
    confirmed: int = 0
    """The newest execution that Step Functions is known to have begun."""
    pre_approved: bool = False
    ended_at: datetime | None = None
    error: str | None = None
    """What the last execution ended with, and why: the first failure."""
    cause: str | None = None
    wait: Wait | None = None
    """The newest step that waits or has waited."""
    stuck: Stuck | None = None
    is_called_off: bool = False
    """Whether a person has aborted or rejected it."""
    key_id: str | None = None
    """The API key that started it."""
    plan: str | None = None
    """The version of its saga that it was started with."""
    redrives: int = 0
    redrive_of: str | None = None
    """The compensated run that this one does anew."""
    redriven_as: str | None = None
    """The run that does anew what this one has undone."""
    expires_at: datetime | None = None

    @property
    def tenant(self) -> str:
        """Whose run it is."""
        return keys.tenant_of(self.id)

    @property
    def execution_name(self) -> str:
        """What Step Functions knows the execution by."""
        return execution_name(self.id, self.execution)

    @property
    def first_failure(self) -> tuple[str, str] | None:
        """Error class and message of what went wrong first, which a saga's end names as JSON; else of its execution."""
        if self.error is None:
            return None
        try:
            first = json.loads(self.cause or "")
            return str(first["Error"]), str(first["Cause"])
        except (ValueError, KeyError, TypeError):
            return self.error, self.cause or ""

    @property
    def duration_ms(self) -> int | None:
        """From its start, or last redrive, to its end."""
        if self.ended_at is None:
            return None
        return max(0, round((self.ended_at - self.begun_at).total_seconds() * 1000))

    def state_at(self, now: datetime) -> RunState:
        """Its state at a moment: nothing tells of the end of a wait that nobody answered."""
        until = self.wait.until if self.wait and not self.state.is_end else None
        return RunState.RUNNING if until and until <= now else self.state

    def began(self, execution: int) -> "RunRecord":
        """Step Functions has begun an execution."""
        return replace(self, confirmed=max(self.confirmed, min(execution, self.execution)))

    def ended(self, execution: int, end: RunState, at: datetime, outcome: "Outcome") -> "RunRecord":
        """An execution has ended; nothing changes where it is not the one that counts, or is known to have ended."""
        if execution != self.execution or self.state.is_end:
            return self
        keep = outcome.keep_completed if end is RunState.COMPLETED else outcome.keep_failed
        return replace(
            self,
            state=end,
            changed_at=at,
            ended_at=at,
            confirmed=execution,
            error=outcome.error,
            cause=outcome.cause or self.cause,
            stuck=None,
            expires_at=at + keep,
        )

    def broke(self, execution: int, at: datetime, outcome: "Outcome") -> "RunRecord":
        """An execution has ended as no saga ends: it was stopped or ran into a limit. What was done must be undone."""
        if execution != self.execution or self.state.is_end:
            return self
        if self.mode is not Mode.DO:
            return self.ended(execution, RunState.COMPENSATION_FAILED, at, outcome)
        return replace(self._again(Mode.ABORT, at), error=outcome.error, cause=outcome.cause)

    def waits(self, wait: Wait, now: datetime) -> "RunRecord":
        """A step waits; nothing changes where that is known, or old."""
        if wait.execution != self.execution or self.state.is_end or not wait.is_newer_than(self.wait):
            return self
        return replace(self, state=_STATE_OF_WAIT[wait.kind], wait=wait, changed_at=now, stuck=None)

    def answered(self, wait: Wait, now: datetime, *, is_consent: bool = True) -> "RunRecord":
        """What a step waited for has come, or was refused. That may be known before the wait is."""
        if wait.execution != self.execution or self.state.is_end:
            return self
        if not wait.is_newer_than(self.wait) and not wait.is_same_as(self.wait):
            return self
        if wait.is_same_as(self.wait) and self.wait and self.wait.is_answered:
            return self
        return replace(
            self,
            state=RunState.RUNNING,
            wait=replace(wait, is_answered=True),
            changed_at=now,
            is_called_off=self.is_called_off or not is_consent,
        )

    def wait_lapsed(self, now: datetime) -> "RunRecord":
        """Nobody came in time."""
        if self.state_at(now) is self.state or self.wait is None or self.wait.until is None:
            return self
        return replace(self, state=RunState.RUNNING, changed_at=self.wait.until)

    def aborting(self, now: datetime) -> "RunRecord":
        """The execution is given up, and a new one undoes what was done.

        Raises:
            IllegalRunMoveError: the run is over, or is being undone already.
        """
        if self.state.is_end:
            raise IllegalRunMoveError(f"run {self.id} is {self.state}; only a run that isn't over can be aborted")
        if self.mode is not Mode.DO:
            raise IllegalRunMoveError(f"run {self.id} is being undone already")
        return replace(self._again(Mode.ABORT, now), is_called_off=True)

    def redriving(self, now: datetime) -> "RunRecord":
        """A new execution goes on where the last one failed: from the failed step, or from the failed undos.

        Raises:
            IllegalRunMoveError: the run's state leads nowhere from here.
        """
        modes = {RunState.FAILED: Mode.DO, RunState.COMPENSATION_FAILED: Mode.UNDO}
        if self.state not in modes:
            raise IllegalRunMoveError(
                f"run {self.id} is {self.state}; a run can be redriven that is failed, compensation_failed or"
                " compensated"
            )
        again = replace(self._again(modes[self.state], now), begun_at=now, redrives=self.redrives + 1, expires_at=None)
        return again if again.mode is Mode.UNDO else replace(again, error=None, cause=None)

    def seen_stuck(self, stuck: Stuck | None) -> "RunRecord":
        """Something has taken too long, or no longer does. The same thing is told once."""
        if self.state.is_end:
            return self
        if self.stuck and stuck and (self.stuck.step, self.stuck.since) == (stuck.step, stuck.since):
            return self
        return replace(self, stuck=stuck)

    def told_stuck(self) -> "RunRecord":
        """Somebody has been told."""
        return replace(self, stuck=replace(self.stuck, is_told=True)) if self.stuck else self

    def redriven(self, new_id: str) -> "RunRecord":
        """Another run does its work anew."""
        return replace(self, redriven_as=new_id)

    def _again(self, mode: Mode, now: datetime) -> "RunRecord":
        return replace(
            self,
            state=RunState.RUNNING,
            changed_at=now,
            execution=self.execution + 1,
            mode=mode,
            ended_at=None,
            wait=None,
            stuck=None,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an execution ended with, and how long the record is kept."""

    keep_completed: timedelta
    keep_failed: timedelta
    error: str | None = None
    cause: str | None = None


def run_id(tenant: str, saga: str, key: str) -> str:
    """The one id of this tenant's run of this saga and key."""
    return keys.job_id(tenant, f"saga:{saga}", key)


def execution_name(a_run_id: str, execution: int) -> str:
    """What Step Functions knows an execution by."""
    return f"{a_run_id}-{execution}"


def of_execution_name(name: str) -> tuple[str, int] | None:
    """The run and the number of an execution; None for one that somebody else has started."""
    a_run_id, _, number = name.rpartition("-")
    return (a_run_id, int(number)) if keys.is_job_id(a_run_id) and number.isdigit() else None


def end_of(status: str, error: str | None) -> RunState | None:
    """What an execution's status and error mean for its run; None where they are none of the saga's own ends.

    Args:
        status: as Step Functions says: SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        error: of the state machine's Fail state.
    """
    if status == "SUCCEEDED":
        return RunState.COMPLETED
    own = {str(state): state for state in (*FAILURES, RunState.ABORTED)}
    return own.get(error or "") if status == "FAILED" else None
