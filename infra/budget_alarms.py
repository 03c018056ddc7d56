"""Alarms of the budgets of the whole and of every provider. They join the alerts that the ledger itself raises."""

from collections.abc import Iterable

from backstay.config import Config
from infra.alarms import AT_LEAST, STAYS, Alarms, Condition, ours, plain

_RULES = ("cost.budget_warning", "cost.budget_critical", "cost.budget_emergency")
_WINDOWS = ("daily", "monthly", "yearly")


def watch_budgets(alarms: Alarms, settings: Config) -> None:
    """Tell when a budget is used up so far, in every window that has a limit."""
    for scope in scopes_of(settings):
        for window in _WINDOWS:
            used = ours("BudgetUsedPercent", "Maximum", Scope=scope, Window=window)
            for rule in _RULES:
                limit = alarms.limit_of(rule)
                text = (
                    f"{plain(limit)} % of the {window} budget of {scope} are spent. See: backstay budgets ls; raise it:"
                    f" backstay budgets set {scope} {window} USD"
                )
                alarms.add(rule, f"{scope}:{window}", Condition(used, text, limit, AT_LEAST, STAYS))


def scopes_of(settings: Config) -> Iterable[str]:
    """The whole, and every provider that backstay.toml configures."""
    return ("total", *(f"provider:{name}" for name in settings.providers))
