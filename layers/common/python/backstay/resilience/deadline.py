"""How long an operation may take. A nested deadline never outlasts the outer one; the job's own is the outermost."""

import contextvars
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from backstay.errors import ErrorClass, WorkError
from backstay.running import current_job
from backstay.settings import SettingsError

Seconds = Callable[[], float]


class DeadlineExceeded(WorkError, TimeoutError):  # noqa: N818 - the spec's word
    """An operation took longer than it may. Parks the job, or costs it an attempt if it was the job's own time."""

    def __init__(self, operation: str, seconds: float, error_class: ErrorClass = ErrorClass.TIMEOUT) -> None:
        super().__init__(error_class, f"{operation} took longer than the {seconds:.3g} s that it had")
        self.operation, self.seconds = operation, seconds


@dataclass(frozen=True, slots=True)
class Deadline:
    """When an operation must be done."""

    operation: str
    seconds: float
    """What it was given, or what the surrounding deadline and the job had left if that was less."""
    ends_at: float
    """Monotonic seconds."""
    error_class: ErrorClass = ErrorClass.TIMEOUT
    now: Seconds = time.monotonic

    @property
    def remaining_s(self) -> float:
        """Seconds left; never below 0."""
        return max(0.0, self.ends_at - self.now())

    def check(self) -> None:
        """A checkpoint.

        Raises:
            DeadlineExceeded: the time is up.
        """
        if self.now() >= self.ends_at:
            raise DeadlineExceeded(self.operation, self.seconds, self.error_class)


_current: contextvars.ContextVar[Deadline | None] = contextvars.ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float, operation: str, *, now: Seconds = time.monotonic) -> Iterator[Deadline]:
    """Give what happens in the `with` block so many seconds, or what the surrounding deadline and the job have left.

    Nothing is interrupted, and what was done late is not thrown away: calls take `remaining_s()` as their timeout, and
    long work calls `checkpoint()`.

    Raises:
        SettingsError: seconds is no positive number.
        DeadlineExceeded: the time was up at a checkpoint.
    """
    if not 0 < seconds < math.inf:
        raise SettingsError(f"deadline({seconds}, {operation!r}): seconds must be a positive number")
    began = now()
    mine = Deadline(operation, seconds, began + seconds, now=now)
    outer = _soonest()
    if outer and outer.ends_at < mine.ends_at:
        left = max(0.0, outer.ends_at - began)
        mine = replace(mine, seconds=left, ends_at=outer.ends_at, error_class=outer.error_class)
    token = _current.set(mine)
    try:
        yield mine
    finally:
        _current.reset(token)


def remaining_s() -> float:
    """Seconds left to whatever is running; infinite outside of any deadline and job."""
    soonest = _soonest()
    return soonest.remaining_s if soonest else math.inf


def checkpoint() -> None:
    """Stop here if the time is up; does nothing outside of any deadline and job.

    Raises:
        DeadlineExceeded: names the operation whose time is up.
    """
    if soonest := _soonest():
        soonest.check()


def _soonest() -> Deadline | None:
    """What ends first: the surrounding block's time, or the job's."""
    job, block = current_job.get(), _current.get()
    if job is None or (block and block.ends_at <= job.deadline):
        return block
    return Deadline(f"job {job.id}", job.remaining_s, job.deadline, ErrorClass.TASK_TIMEOUT)
