"""The classes of failure, and what follows from each. Every decision about a failure is read off its class."""

from dataclasses import dataclass
from enum import StrEnum


class Disposition(StrEnum):
    """What a failure of a class means for the job that met it."""

    RETRY = "retry"
    """The job's own fault: costs an attempt, tried again while attempts are left."""
    PARK = "park"
    """The world's fault: costs time, not attempts."""
    FAIL = "fail"
    """No retry can help: failed for good."""


class ErrorClass(StrEnum):
    """Every way in which a job or a call can fail (spec: LLM calls, error classes; jobs, retrying)."""

    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER = "server"
    TIMEOUT = "timeout"
    CONTEXT_LENGTH = "context_length"
    AUTH = "auth"
    PAYMENT = "payment"
    MODERATION = "moderation"
    INVALID_REQUEST = "invalid_request"
    INVALID_OUTPUT = "invalid_output"
    UNPRICED = "unpriced"
    ANSWER_PENDING = "answer_pending"
    """Another job is asking a model the very same thing; its answer will serve both."""
    BUDGET_EXCEEDED = "budget_exceeded"
    """Our own guard: the money set aside for such calls is used up."""
    BUDGET_HELD = "budget_held"
    """Our own guard: calls under way hold what is left of a budget; they give back what they don't need."""
    RATE_EXCEEDED = "rate_exceeded"
    """Our own guard: the other side's limit of requests or tokens would be passed."""
    OVER_LIMIT = "over_limit"
    """Our own guard: the call is larger than the other side's limit allows at any time; another's may allow it."""
    BULKHEAD_FULL = "bulkhead_full"
    """Our own guard: as many calls as may run at once are running."""
    CIRCUIT_OPEN = "circuit_open"
    """Our own guard: the other side has failed too often of late, or is held closed to us."""
    UNREACHABLE = "unreachable"
    """Something other than a model provider that the job needs did not answer, or answered that it can't now."""
    ADDRESS_REFUSED = "address_refused"
    """A URL led to an address that may not be called: private, link-local, metadata, or not on the list."""
    IN_PORTIONS = "in_portions"
    """Nothing failed: the job does its work in portions, and the next is due later."""
    TASK_ERROR = "task_error"
    """The task's function raised."""
    TASK_TIMEOUT = "task_timeout"
    """The task's function ran longer than its `timeout`."""
    CRASHED = "crashed"
    """The worker died while it ran the job."""
    INVALID_INPUT = "invalid_input"
    REJECTED = "rejected"
    """The task said that the job can never succeed."""
    GAVE_UP = "gave_up"
    """The job waited for the world for longer than its task's `give_up_after`."""
    NOT_A_JOB = "not_a_job"
    """The message is not one that any task could take."""

    @property
    def disposition(self) -> Disposition:
        """What this failure means for its job."""
        return _DISPOSITIONS[self]

    @property
    def leaves_doubt(self) -> bool:
        """Whether the work may have had its effect all the same, at least in part."""
        return self in _DOUBTFUL


_DISPOSITIONS = {
    ErrorClass.RATE_LIMITED: Disposition.PARK,
    ErrorClass.OVERLOADED: Disposition.PARK,
    ErrorClass.SERVER: Disposition.PARK,
    ErrorClass.TIMEOUT: Disposition.PARK,
    ErrorClass.CONTEXT_LENGTH: Disposition.FAIL,
    ErrorClass.AUTH: Disposition.PARK,
    ErrorClass.PAYMENT: Disposition.PARK,
    ErrorClass.MODERATION: Disposition.FAIL,
    ErrorClass.INVALID_REQUEST: Disposition.FAIL,
    ErrorClass.INVALID_OUTPUT: Disposition.RETRY,
    ErrorClass.UNPRICED: Disposition.FAIL,
    ErrorClass.ANSWER_PENDING: Disposition.PARK,
    ErrorClass.BUDGET_EXCEEDED: Disposition.PARK,
    ErrorClass.BUDGET_HELD: Disposition.PARK,
    ErrorClass.RATE_EXCEEDED: Disposition.PARK,
    ErrorClass.OVER_LIMIT: Disposition.FAIL,
    ErrorClass.BULKHEAD_FULL: Disposition.PARK,
    ErrorClass.CIRCUIT_OPEN: Disposition.PARK,
    ErrorClass.UNREACHABLE: Disposition.PARK,
    ErrorClass.ADDRESS_REFUSED: Disposition.FAIL,
    ErrorClass.IN_PORTIONS: Disposition.PARK,
    ErrorClass.TASK_ERROR: Disposition.RETRY,
    ErrorClass.TASK_TIMEOUT: Disposition.RETRY,
    ErrorClass.CRASHED: Disposition.RETRY,
    ErrorClass.INVALID_INPUT: Disposition.FAIL,
    ErrorClass.REJECTED: Disposition.FAIL,
    ErrorClass.GAVE_UP: Disposition.FAIL,
    ErrorClass.NOT_A_JOB: Disposition.FAIL,
}

_DOUBTFUL = frozenset(
    {
        ErrorClass.CRASHED,
        ErrorClass.IN_PORTIONS,
        ErrorClass.INVALID_OUTPUT,  # the function came to its end
        ErrorClass.SERVER,
        ErrorClass.TASK_TIMEOUT,
        ErrorClass.TIMEOUT,
        ErrorClass.UNREACHABLE,  # the answer may have been lost on its way
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as it is kept in a job's record."""

    error_class: ErrorClass
    message: str
    retry_after_s: float | None = None
    """What the other side asked us to wait, in seconds."""
    budget: str | None = None
    """The budget that refused, scope and window, such as `tenant:acme daily`."""


class BackstayError(Exception):
    """Root of what Backstay raises."""


class WorkError(BackstayError):
    """A failure of a job or a call that carries its class."""

    def __init__(
        self,
        error_class: ErrorClass,
        message: str,
        *,
        retry_after_s: float | None = None,
        budget: str | None = None,
    ) -> None:
        super().__init__(message)
        self.failure = Failure(error_class, message, retry_after_s, budget)


class Rejected(WorkError):  # noqa: N818 - a verdict of the task's, not a fault of the program
    """Raised by a task whose job can never succeed: fails for good at once, whatever attempts are left."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorClass.REJECTED, message)


class NotNow(WorkError):  # noqa: N818 - a verdict of the task's, not a fault of the program
    """Raised by a task that waits for the world: the job is parked and uses up no attempt."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(ErrorClass.UNREACHABLE, message, retry_after_s=retry_after_s)


class GoesOn(WorkError):  # noqa: N818 - a verdict of the task's, not a fault of the program
    """Raised by a task that has done a portion of its work: the job is parked until the next, and all is well."""

    def __init__(self, message: str, *, after_s: float) -> None:
        super().__init__(ErrorClass.IN_PORTIONS, message, retry_after_s=after_s)
