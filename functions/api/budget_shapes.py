"""Shapes of budgets."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from .shapes import Amount, Moment, Shape, example

if TYPE_CHECKING:
    from datetime import datetime

    from backstay.budgets.budget import Account, Budget
    from backstay.budgets.periods import Window

WindowName = Literal["daily", "monthly", "yearly"]


class BudgetWindow(Shape):
    """A budget's day, month or year, in UTC. Exact: spent + reserved + left = limit."""

    window: WindowName
    period: Annotated[str, Field(description="Which one it is, such as 2026-11.")]
    turns_at: Moment
    limit: Annotated[Amount | None, Field(description="None: there is no limit.")]
    hard: Annotated[bool, Field(description="Past a hard limit no call is made; past a soft one it is told.")]
    set_by: Annotated[Literal["backstay.toml", "hand"], Field(description="Whose word the limit is.")]
    spent: Amount
    left: Annotated[Amount | None, Field(description="None without a limit; below 0 past a soft or lowered one.")]
    used_percent: Annotated[float | None, Field(description="What is spent of the limit; none without one.")]


class BudgetShape(Shape):
    """What a scope may spend, and has spent."""

    scope: Annotated[str, Field(description="Such as `total`, `provider:openai`, `quota:openai:requests`.")]
    unit: Annotated[str, Field(description="What its amounts are in: `usd`, or of a quota `requests` or `tokens`.")]
    reserved: Annotated[Amount, Field(description="Held for calls under way, in every window.")]
    windows: list[BudgetWindow]


class Budgets(Shape):
    """A page of budgets."""

    budgets: list[BudgetShape]
    cursor: Annotated[str | None, Field(description="Brings the next page; none on the last.")]


class LimitRequest(Shape):
    """A limit."""

    model_config = example({"limit": "200.00", "hard": True})

    limit: Annotated[Decimal | None, Field(ge=0, max_digits=24, decimal_places=12, description="None: no limit.")]
    hard: Annotated[bool, Field(description="Past a hard limit no call is made; past a soft one it is told.")] = True


def budget_of(budget: "Budget", now: "datetime") -> BudgetShape:
    """A budget as it is shown."""
    from backstay.budgets.amounts import shown
    from backstay.budgets.scope import measure_of

    scope = budget.scope
    return BudgetShape(
        scope=scope,
        unit=measure_of(scope) or "usd",
        reserved=shown(scope, budget.reserved),
        windows=[_window(scope, window, account, now) for window, account in budget.accounts.items()],
    )


def _window(scope: str, window: "Window", account: "Account", now: "datetime") -> BudgetWindow:
    from backstay.budgets.amounts import shown

    limit = account.limit
    return BudgetWindow(
        window=window.value,
        period=account.period,
        turns_at=window.turns_after(now),
        limit=shown(scope, limit.usd) if limit else None,
        hard=account.is_hard,
        set_by="hand" if account.by_hand else "backstay.toml",
        spent=shown(scope, account.spent),
        left=shown(scope, account.left) if limit else None,
        used_percent=None if account.used_percent is None else round(float(account.used_percent), 2),
    )
