"""When people are told of a budget: at so many percent of its limit, once in each window. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from backstay.alerts.rules import rules
from backstay.budgets.amounts import text_of
from backstay.budgets.budget import Account, Budget
from backstay.budgets.periods import Window
from backstay.budgets.scope import settings_of

if TYPE_CHECKING:
    from backstay.config import Config

LEVELS = ("warning", "critical", "emergency")

Thresholds = Mapping[str, Decimal]
"""Percent of the limit by the rule that tells of them."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """What is spent of a budget has come to a threshold."""

    rule: str
    percent: Decimal
    """The threshold."""
    scope: str
    window: Window
    account: Account

    @property
    def text(self) -> str:
        """For whoever is told."""
        scope, window, account = self.scope, self.window, self.account
        spent, limit = text_of(scope, account.spent), text_of(scope, account.limit_usd)
        refuses = "calls are refused at the limit" if account.is_hard else "nothing is refused"
        return (
            f"Budget {scope} {window}: {spent} of {limit} are spent in {account.period}, "
            f"{self.percent.normalize():f} % or more; {refuses}. Look: backstay budgets ls {scope}; raise it: "
            f"backstay budgets set {scope} {window} AMOUNT"
        )


def rule_of(level: str) -> str:
    """The rule that tells of a level."""
    return f"cost.budget_{level}"


def source_of(scope: str, window: Window) -> str:
    """What alerts about one window of a budget name as their source, whoever raises them."""
    return f"{scope}.{window}"


def thresholds_of(scope: str, window: Window, settings: "Config") -> Thresholds:
    """As the alerts' rules say, unless the budget's own table says otherwise. Rules that are off have none.

    Args:
        scope: such as `tenant:acme`.
        window: which of its limits.
        settings: backstay.toml.
    """
    known, own = rules(settings.alerts), settings_of(scope, settings.budgets).thresholds.get(window.value)
    found: dict[str, Decimal] = {}
    for level in LEVELS:
        rule = known[rule_of(level)]
        percent = getattr(own, level, None) or rule.threshold
        if rule.enabled and percent is not None:
            found[rule.name] = Decimal(str(percent))
    return found


def crossings(before: Budget | None, after: Budget, settings: "Config") -> list[Crossing]:
    """What one change of a budget has brought: spending, a new limit, or a new window.

    Args:
        before: None where the budget is new.
        after: as it stands after the change.
        settings: backstay.toml.
    """
    found: list[Crossing] = []
    for window, account in after.accounts.items():
        used = account.used_percent
        if used is None or not account.spent:
            continue
        old = before.accounts[window] if before else None
        same = old is not None and old.period == account.period
        was = old.used_percent if old and same else None
        for rule, percent in thresholds_of(after.scope, window, settings).items():
            if used >= percent and (was is None or was < percent):
                found.append(Crossing(rule, percent, after.scope, window, account))
    return found
