"""How long budgets last at the rate of the last days. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from backstay.budgets.budget import Account, Budget
from backstay.budgets.periods import Window

_LONGEST_DAYS = 3650
"""What lasts longer lasts."""


@dataclass(frozen=True, slots=True)
class Runway:
    """One limit, and until when it lasts."""

    scope: str
    window: Window
    limit_usd: Decimal
    left_usd: Decimal
    """Less what calls under way hold; below 0 where a soft limit was passed."""
    a_day_usd: Decimal
    """The rate that is assumed."""
    days: float | None
    """Until nothing is left; None where nothing is being spent."""
    runs_out_at: datetime | None
    """None: not before the window turns."""
    turns_at: datetime


def runways(budgets: Iterable[Budget], rates_usd: Mapping[str, Decimal], now: datetime) -> Iterator[Runway]:
    """Of every window that has a limit.

    Args:
        budgets: as they stand.
        rates_usd: what scopes spend a day; of one that isn't here, what it has spent a day since the month began.
        now: UTC.
    """
    for budget in budgets:
        rate = rates_usd.get(budget.scope)
        for window, account in budget.accounts.items():
            if account.limit is not None:
                assumed = _this_month(budget, now) if rate is None else rate
                yield _runway(budget.scope, window, account, assumed, now)


def _this_month(budget: Budget, now: datetime) -> Decimal:
    began = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    days = max(timedelta(days=1), now - began) / timedelta(days=1)
    return budget.accounts[Window.MONTHLY].spent / Decimal(str(round(days, 6)))


def _runway(scope: str, window: Window, account: Account, rate: Decimal, now: datetime) -> Runway:
    left = account.left
    days = float(max(Decimal(0), left) / rate) if rate else None
    turns_at = window.turns_after(now)
    ends_at = now + timedelta(days=min(days, _LONGEST_DAYS)) if days is not None else None
    runs_out_at = ends_at if ends_at and ends_at < turns_at else None
    return Runway(scope, window, account.limit_usd, left, rate, days, runs_out_at, turns_at)
