"""How much of budgets is used, as metrics: of the whole and of every provider, so that alarms can stand on them."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from backstay.budgets.budget import Budget
from backstay.budgets.scope import QUOTA, TOTAL, kind_of, named_scopes
from backstay.telemetry import Metric, emit

if TYPE_CHECKING:
    from backstay.config import Config


def gauged_scopes(settings: "Config") -> tuple[str, ...]:
    """Budgets and quotas that metrics tell of. Tenants, tasks and keys come and go, and each metric has its price."""
    return (TOTAL, *(f"provider:{name}" for name in settings.providers), *named_scopes(QUOTA, settings.budgets))


def metric_of(scope: str) -> str:
    """The metric that tells how much of a scope is used."""
    return "QuotaUsedPercent" if kind_of(scope) == QUOTA else "BudgetUsedPercent"


def emit_gauges(budgets: Iterable[Budget]) -> None:
    """Tell how much of each window with a limit is spent, in percent."""
    for budget in budgets:
        for window, metric in _gauges(budget):
            emit([metric], {"Scope": budget.scope, "Window": window})


def _gauges(budget: Budget) -> Iterator[tuple[str, Metric]]:
    name = metric_of(budget.scope)
    for window, account in budget.accounts.items():
        if (used := account.used_percent) is not None:
            yield window.value, Metric(name, float(used), "Percent")
