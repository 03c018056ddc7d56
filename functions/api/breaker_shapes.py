"""Shapes of what is known of circuit breakers."""

from typing import TYPE_CHECKING, Annotated, Literal, cast

from pydantic import Field

from backstay.clock import from_epoch_ms

from .shapes import Moment, Shape

if TYPE_CHECKING:
    from backstay.resilience.breaker import BreakerStats

BreakerState = Literal["closed", "open", "half_open"]


class TransitionShape(Shape):
    """One change of state."""

    at: Moment
    before: BreakerState
    after: BreakerState
    reason: str


class BreakerShape(Shape):
    """How a breaker stands."""

    name: str
    state: BreakerState
    held: Annotated[str | None, Field(description="Why somebody holds it open; none if nobody does.")]
    failures: Annotated[int, Field(description="Consecutive ones, of all workers together.")]
    successes: Annotated[int, Field(description="Of probes, since it opened last.")]
    failure_threshold: int
    reset_timeout_s: float
    half_open_max_attempts: int
    half_open_attempts: Annotated[int, Field(description="Probes under way.")]
    opened_at: Moment | None
    next_attempt_at: Annotated[Moment | None, Field(description="When the next probe may go.")]
    transitions: Annotated[list[TransitionShape], Field(description="The last ten, the latest at the end.")]


def breaker_of(stats: "BreakerStats") -> BreakerShape:
    """A breaker as it is shown."""
    return BreakerShape(
        name=stats.name,
        state=state_name(stats),
        held=stats.held or None,
        failures=stats.failures,
        successes=stats.successes,
        failure_threshold=stats.settings.failure_threshold,
        reset_timeout_s=stats.settings.reset_timeout_s,
        half_open_max_attempts=stats.settings.half_open_max_attempts,
        half_open_attempts=stats.half_open_attempts,
        opened_at=stats.opened_at,
        next_attempt_at=stats.next_attempt_at,
        transitions=[
            TransitionShape(
                at=from_epoch_ms(one.at_ms), before=_state(one.before), after=_state(one.after), reason=one.reason
            )
            for one in stats.transitions
        ],
    )


def state_name(stats: "BreakerStats") -> BreakerState:
    """A breaker's state as it is shown."""
    return _state(stats.state)


def _state(state: str) -> BreakerState:
    return cast("BreakerState", str(state).lower())
