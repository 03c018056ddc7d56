"""Shapes of what is known of providers of models."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from .breaker_shapes import BreakerShape
from .shapes import Amount, Moment, Shape

if TYPE_CHECKING:
    from backstay.credit import CreditState
    from backstay.llm.activity import Tally
    from backstay.resilience.rate_limit import RateUse


class RateShape(Shape):
    """How much of what a provider allows is in use; a limit that it doesn't have is none."""

    requests: Annotated[int, Field(description="In the last minute.")]
    requests_per_minute: int | None
    tokens: Annotated[int, Field(description="In the last minute.")]
    tokens_per_minute: int | None
    requests_today: Annotated[int, Field(description="Since midnight, UTC.")]
    requests_per_day: int | None


class CreditShape(Shape):
    """What the last hourly check found, in US dollars."""

    remaining_usd: Annotated[Amount | None, Field(description="None: no limit is known.")]
    used_today_usd: Amount | None
    used_this_week_usd: Amount | None
    used_this_month_usd: Amount | None
    is_free_tier: bool
    checked_at: Moment | None
    failures_in_a_row: Annotated[int, Field(description="Checks that have failed since.")]
    problem: str | None


class TodayShape(Shape):
    """What a provider did since midnight, UTC; the last second of a burst may be missing until the next."""

    calls: Annotated[int, Field(description="Answered ones.")]
    failures: int
    success_rate: Annotated[float | None, Field(description="0 to 1; none where nothing was asked.")]
    average_latency_ms: float | None
    input_tokens: int
    output_tokens: int
    cost_usd: Amount


class ProviderShape(Shape):
    """A provider of models."""

    name: str
    kind: str
    configured: Annotated[bool, Field(description="Whether it has what calls need, such as an API key.")]
    missing: Annotated[str | None, Field(description="What it lacks.")]
    paused: bool
    breaker: BreakerShape
    rate: Annotated[RateShape | None, Field(description="None where backstay.toml sets no limit.")]
    credit: Annotated[CreditShape | None, Field(description="Of those that can be asked, once they were.")]
    today: TodayShape


class Providers(Shape):
    """All that backstay.toml names."""

    providers: list[ProviderShape]


def rate_of(use: "RateUse") -> RateShape:
    """A rate's use as it is shown."""
    return RateShape(
        requests=use.requests,
        requests_per_minute=use.limits.requests,
        tokens=use.tokens,
        tokens_per_minute=use.limits.tokens,
        requests_today=use.requests_today,
        requests_per_day=use.limits.requests_a_day,
    )


def credit_of(state: "CreditState") -> CreditShape:
    """Credit as it is shown."""
    balance = state.balance
    return CreditShape(
        remaining_usd=balance.remaining_usd if balance else None,
        used_today_usd=balance.used_today_usd if balance else None,
        used_this_week_usd=balance.used_this_week_usd if balance else None,
        used_this_month_usd=balance.used_this_month_usd if balance else None,
        is_free_tier=bool(balance and balance.is_free_tier),
        checked_at=state.checked_at,
        failures_in_a_row=state.failures_in_a_row,
        problem=state.problem or None,
    )


def today_of(tally: "Tally") -> TodayShape:
    """A day's count as it is shown."""
    return TodayShape(
        calls=tally.calls,
        failures=tally.failures,
        success_rate=tally.success_rate,
        average_latency_ms=tally.average_latency_ms,
        input_tokens=tally.input_tokens,
        output_tokens=tally.output_tokens,
        cost_usd=tally.cost_usd,
    )
