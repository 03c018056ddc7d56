"""The job that is running: what a task's function and the features that it calls know of it."""

import contextvars
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from backstay.clock import utc_now
from backstay.errors import BackstayError
from backstay.llm.use import ModelUse
from backstay.receipt import Call
from backstay.telemetry import Metric, teams_metric

HAND_BACK_S = 2.0
"""What a worker needs to record a job after what it waited for has failed, in seconds."""


class Cancelled(BackstayError):  # noqa: N818 - not a fault: somebody asked for it
    """Raised inside a task's function at a safe point after somebody cancelled its job."""


class CallLog:
    """The answers that one run of a job has paid for, by call number. Without a store it lives in memory only."""

    def __init__(
        self, load: Callable[[], dict[int, str]] | None = None, save: Callable[[int, str], None] | None = None
    ):
        self._load, self._save = load, save
        self._kept: dict[int, str] | None = None
        self._unsaved: dict[int, str] = {}
        self._next = 0
        self._lock = threading.Lock()

    def next_number(self) -> int:
        """The number of the call about to be made, from 1. Saves earlier answers before more money is spent."""
        with self._lock:
            self._next += 1
        self.save()
        return self._next

    def save(self) -> None:
        """Save what is held, for a later run: before more money is spent, or while the job waits for the world."""
        with self._lock:
            unsaved = dict(self._unsaved)
        for number, answer in unsaved.items():
            if self._save:
                self._save(number, answer)
            with self._lock:
                self._unsaved.pop(number, None)

    def recall(self, number: int) -> str | None:
        """What an earlier run of the same job was answered to this call, if anything."""
        if self._kept is None:
            self._kept = self._load() if self._load else {}
        return self._kept.get(number)

    def keep(self, number: int, answer: str) -> None:
        """Hold an answer until the next call begins or the job must wait; a job's last one is kept by its result."""
        self._unsaved[number] = answer


@dataclass
class Job:
    """What a task's function sees of its job. Can be made by hand in a unit test: `Job()`."""

    id: str = "test.job"
    task: str = "test"
    tenant: str = "default"
    attempt: int = 1
    priority: str = "normal"
    key_id: str | None = None
    """The API key that submitted it."""
    model_use: ModelUse = field(default_factory=lambda: ModelUse(cache=None))
    """Its task's routes and cache. A job made by hand has no cache."""
    submitted_at: datetime = field(default_factory=utc_now)
    """Orders jobs about the same thing, whichever of them runs first."""
    deadline: float = field(default_factory=lambda: time.monotonic() + 60)
    """Monotonic time at which the job must be done, in seconds."""
    report_progress: Callable[[int, str], bool] | None = None
    """Stores progress and answers whether the job was cancelled meanwhile."""
    record_metric: Callable[[Metric], None] | None = None
    run_id: str | None = None
    """The run of a saga that waits for the job, if one does; `step` is the name of its step."""
    step: str | None = None
    call_log: CallLog = field(default_factory=CallLog)
    calls: list[Call] = field(default_factory=list)

    @property
    def remaining_s(self) -> float:
        """Seconds that are left to this run; never below 0."""
        return max(0.0, self.deadline - time.monotonic())

    def progress(self, percent: int, note: str = "") -> None:
        """Tell how far the work is, 0 to 100. A safe point.

        Raises:
            Cancelled: somebody cancelled the job.
        """
        if self.report_progress and self.report_progress(max(0, min(100, percent)), note[:200]):
            raise Cancelled(f"job {self.id} was cancelled")

    def metric(self, name: str, value: float, unit: str = "Count") -> None:
        """Add a metric of the team's own to CloudWatch, in the namespace Backstay, with the task as its dimension.

        Args:
            name: letters, digits and _. Each different one costs by the month: never make one of data.
            value: any number that is finite; several of one name are several values.
            unit: one of CloudWatch's.

        Raises:
            MetricError: one of these can't be.
        """
        metric = teams_metric(name, value, unit)
        if self.record_metric:
            self.record_metric(metric)


current_job: contextvars.ContextVar[Job | None] = contextvars.ContextVar("current_job", default=None)
"""Set by the worker around each task function and fallback; features that need no argument about jobs read it."""
