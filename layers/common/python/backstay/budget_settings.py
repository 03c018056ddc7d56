"""What backstay.toml says of money: `[budgets]`, limits in US dollars by scope and window."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from backstay.provider_settings import Section

Dollars = Annotated[Decimal, Field(strict=False, ge=0)]
Percent = Annotated[Decimal, Field(strict=False, gt=0, le=1000)]
WindowName = Literal["daily", "monthly", "yearly"]
OTHERS = "*"
"""The name of the table for everybody who has none of their own."""


class ThresholdSettings(Section):
    """`thresholds.<window>`: percent of the limit; without a number, what the alerts' rules say."""

    warning: Percent | None = None
    critical: Percent | None = None
    emergency: Percent | None = None


class BudgetSettings(Section):
    """`[budgets.total]`, `[budgets.tenants.<name>]` and so on. A window without a number has no limit."""

    daily: Dollars | None = None
    monthly: Dollars | None = None
    yearly: Dollars | None = None
    soft: Annotated[tuple[WindowName, ...], Field(strict=False)] = ()
    """Windows whose limit is only told of; past every other limit, calls are refused."""
    thresholds: dict[WindowName, ThresholdSettings] = Field(default_factory=dict)
    """When people are told, by window."""


class QuotaSettings(Section):
    """`[budgets.quotas.<provider>]`: how much a provider grants. Each measure has limits as a budget has."""

    requests: BudgetSettings | None = None
    tokens: BudgetSettings | None = None
    """Of models, in and out."""


class BudgetsSettings(Section):
    """`[budgets]`. A table named `"*"` is for every provider, tenant, task or API key that has none of its own."""

    total: BudgetSettings
    providers: dict[str, BudgetSettings]
    tenants: dict[str, BudgetSettings] = Field(default_factory=dict)
    tasks: dict[str, BudgetSettings] = Field(default_factory=dict)
    keys: dict[str, BudgetSettings] = Field(default_factory=dict)
    """By the API keys' ids."""
    quotas: dict[str, QuotaSettings] = Field(default_factory=dict)
    """By provider; counted as money is, and only where they stand here."""

    @model_validator(mode="before")
    @classmethod
    def _has_the_usual_limits(cls, table: object) -> object:
        """Who wants no limit for a known provider or in total writes its table, and no numbers into it."""
        if not isinstance(table, dict):
            return table
        providers = table.get("providers", {})
        if isinstance(providers, dict):
            providers = _USUAL | providers
        return {"total": _TOTAL} | table | {"providers": providers}


def _usual(daily: int, monthly: int, yearly: int) -> Mapping[str, Any]:
    return {"daily": daily, "monthly": monthly, "yearly": yearly}


_USUAL = {
    "anthropic": _usual(50, 1_000, 10_000),
    "openai": _usual(50, 1_000, 10_000),
    "openrouter": _usual(50, 1_000, 10_000),
    "slack": _usual(5, 100, 1_000),
    "twilio": _usual(25, 500, 5_000),
    "apollo": _usual(100, 2_000, 20_000),
    "leadspace": _usual(75, 1_500, 15_000),
    "sureshot": _usual(30, 600, 6_000),
    "microsoft": _usual(10, 200, 2_000),
}
_TOTAL = _usual(295, 6_000, 60_000)
