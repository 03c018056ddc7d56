"""How long one run of a job may take, and for how long it may say nothing."""

import time

from backstay.errors import ErrorClass, Failure
from backstay.jobs.step import Step
from backstay.task import Limits


class TimeLimit:
    """Counts from when it is made. Times are monotonic, in seconds."""

    def __init__(self, limits: Limits, step: Step | None, ends: float) -> None:
        """`ends` is when the worker has to hand back what it runs."""
        self._began = self._heard = time.monotonic()
        step_s = step.timeout_s if step else None
        self._longest_s = min(limits.timeout, step_s or limits.timeout)
        self._silence_s = step.heartbeat_s if step else None
        self.deadline = min(self._began + self._longest_s, ends)

    @property
    def expires(self) -> float:
        """When the run is over, unless it reports progress before."""
        return min(self.deadline, self._heard + self._silence_s) if self._silence_s else self.deadline

    def heard(self) -> None:
        """The job has reported progress."""
        self._heard = time.monotonic()

    def failure(self) -> Failure:
        """What a run that has expired failed with."""
        if self.expires < self.deadline:
            return Failure(ErrorClass.TASK_TIMEOUT, f"reported no progress for {self._silence_s} s")
        return Failure(ErrorClass.TASK_TIMEOUT, f"ran longer than its {self._longest_s} s")
