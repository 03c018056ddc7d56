"""Alarms of the budgets of the whole and of every provider. They join the alerts that the ledger itself raises."""

from backstay.budgets.gauges import gauged_scopes, metric_of
from backstay.budgets.scope import limits_of
from backstay.budgets.thresholds import source_of, thresholds_of
from backstay.config import Config
from infra.alarms import AT_LEAST, STAYS, Alarms, Condition, plain
from infra.measures import ours


def watch_budgets(alarms: Alarms, settings: Config) -> None:
    """Tell when a budget or quota is used up so far, in every window to which backstay.toml sets a limit."""
    for scope in gauged_scopes(settings):
        for window in limits_of(scope, settings.budgets):
            used = ours(metric_of(scope), "Maximum", Scope=scope, Window=window)
            for rule, percent in thresholds_of(scope, window, settings).items():
                limit = float(percent)
                text = (
                    f"{plain(limit)} % of the {window} budget of {scope} are spent. See: backstay budgets ls; raise it:"
                    f" backstay budgets set {scope} {window} AMOUNT"
                )
                alarms.add(rule, source_of(scope, window), Condition(used, text, limit, AT_LEAST, STAYS))
