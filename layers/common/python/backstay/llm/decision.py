"""What follows from a call that failed: one pure decision over the routes, read off the error classes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from backstay.errors import Disposition, ErrorClass, Failure

_UNKNOWN_WAIT_S = 15.0
"""What a wait that nobody told counts for beside told ones; about the first that a job is parked for."""


_ENDS_AT_ONCE = frozenset({ErrorClass.MODERATION, ErrorClass.INVALID_REQUEST})
"""What another provider would say no to as well."""
_PROVIDER_IS_DOWN = frozenset({ErrorClass.OVERLOADED, ErrorClass.SERVER, ErrorClass.TIMEOUT})
_TOO_LONG = frozenset({ErrorClass.CONTEXT_LENGTH, ErrorClass.OVER_LIMIT})
"""What fewer words may help against."""
_UNTIL_MENDED = frozenset({ErrorClass.AUTH, ErrorClass.PAYMENT})
"""Waits that end when a person has done something."""


def counts_for_breaker(error_class: ErrorClass) -> bool:
    """Whether a failure of this class says that its provider is down."""
    return error_class in _PROVIDER_IS_DOWN


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one question has come."""

    windows: Sequence[int | None]
    """The routes' windows in tokens, in the routes' order; None where nobody knows."""
    sizes: int = 1
    """In how many sizes the prompt can be sent."""
    route: int = 0
    """Which is being tried."""
    size: int = 0
    repaired: bool = False
    unfit: Failure | None = None
    """Of the answer of this route that is being mended."""
    failures: tuple[Failure, ...] = field(default=())
    """How each route that was left failed."""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """The same route, with fewer words."""

    size: int


@dataclass(frozen=True, slots=True)
class Repair:
    """The same route, with the answer that does not fit and why."""


@dataclass(frozen=True, slots=True)
class Failover:
    """The next route that may help."""

    route: int


@dataclass(frozen=True, slots=True)
class End:
    """No route is left; this failure decides what becomes of the job."""

    failure: Failure


Step = AskAgain | Repair | Failover | End


def next_step(standing: Standing, failure: Failure, *, repairable: bool = False) -> Step:
    """Decide after a call that failed (spec: LLM calls, error classes).

    Args:
        standing: what was tried.
        failure: of the call just made, or of the guard that refused it.
        repairable: whether there is an answer that could be mended.
    """
    if repairable and not standing.repaired:
        return Repair()
    if failure.error_class in _TOO_LONG and standing.size + 1 < standing.sizes:
        return AskAgain(standing.size + 1)
    if failure.error_class is ErrorClass.CONTEXT_LENGTH:
        following = _larger(standing)
    elif failure.error_class in _ENDS_AT_ONCE:
        return End(failure)
    else:
        following = _following(standing)
    if following is not None:
        return Failover(following)
    return End(deciding((*standing.failures, failure)))


def left(standing: Standing, failure: Failure, route: int) -> Standing:
    """The standing after a failover."""
    return replace(standing, route=route, size=0, unfit=None, failures=(*standing.failures, failure))


def blame(standing: Standing, failure: Failure) -> Failure:
    """What a route has failed by: where its answer can't be mended now, by that answer.

    It was paid for and is of no use, so it costs an attempt: else a job would pay all day for answers whose repair is
    turned away.
    """
    unfit = standing.unfit
    if unfit is None or failure.error_class.disposition is not Disposition.PARK:
        return failure
    return replace(
        unfit, message=f"{unfit.message}; not repaired: {failure.message}", retry_after_s=failure.retry_after_s
    )


def deciding(failures: Sequence[Failure]) -> Failure:
    """Which of the routes' failures decides the job's fate.

    An answer that was paid for and is of no use costs an attempt, or a job would pay for such answers all day; it is
    tried again when the soonest of the other routes may be usable. Else the job waits for whichever route that is, and
    fails only where no route can ever help.
    """
    parking = sorted((f for f in failures if f.error_class.disposition is Disposition.PARK), key=_wait_s)
    own_fault = [f for f in failures if f.error_class.disposition is Disposition.RETRY]
    if own_fault and parking:
        return replace(own_fault[-1], retry_after_s=parking[0].retry_after_s)
    if own_fault:
        return own_fault[-1]
    return parking[0] if parking else failures[-1]


def share_s(left_s: float, routes_left: int, shortest_s: float) -> float:
    """A route's deadline: an equal part of the time left, so that one that hangs can't eat the others' time.

    Args:
        left_s: seconds left for all.
        routes_left: this one counted.
        shortest_s: where parts would be shorter, this route takes so much and the last ones may get nothing.
    """
    return min(left_s, max(left_s / max(1, routes_left), shortest_s))


def _following(standing: Standing) -> int | None:
    following = standing.route + 1
    return following if following < len(standing.windows) else None


def _larger(standing: Standing) -> int | None:
    """The next route whose window is larger, or may be."""
    here = standing.windows[standing.route]
    for number in range(standing.route + 1, len(standing.windows)):
        window = standing.windows[number]
        if here is None or window is None or window > here:
            return number
    return None


def _wait_s(failure: Failure) -> float:
    if failure.retry_after_s is not None:
        return failure.retry_after_s
    return float("inf") if failure.error_class in _UNTIL_MENDED else _UNKNOWN_WAIT_S
