"""The rules by which people are told: the built-in ones as backstay.toml adjusts them, and the team's own. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from backstay.alert_settings import AlertSettings, RuleSettings, Severity
from backstay.settings import SettingsError


class Heard(StrEnum):
    """What tells that a rule's condition holds."""

    ALARM = "alarm"
    """A CloudWatch alarm, which knows the end too."""
    EVENT = "event"
    """An event on the default bus, sent by whoever sees it happen."""
    LEDGER = "ledger"
    """The ledger of budgets; an alarm beside it counts up the same alert."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Its name is its category, a dot, and what it is about."""

    name: str
    severity: Severity
    means: str
    """The condition in words, with `{threshold}` where that stands."""
    heard: Heard
    threshold: float | None = None
    """Where the condition begins, in the unit that `means` names; None where there is nothing to choose."""
    minutes: int | None = None
    """For how long it must be so, or within what time; None where once is enough."""
    policy: str | None = None
    """The escalation policy; None for the first that fits."""
    enabled: bool = True
    text: str = ""
    """What people are told; where it is empty, what tells of the condition says it."""

    @property
    def condition(self) -> str:
        """The condition in words."""
        return self.means.replace("{threshold}", f"{self.threshold or 0:g}")

    @property
    def category(self) -> str:
        """The first word of the name, by which maintenance windows and silences choose."""
        return self.name.partition(".")[0]


_BUILT_IN = (
    Rule("workflow.stuck", "warning", "a run or a step of it takes longer than its saga allows", Heard.EVENT),
    Rule("workflow.compensation_failed", "critical", "not all that a failed run did could be undone", Heard.EVENT),
    Rule("workflow.approval_needed", "info", "a run waits for a person's word", Heard.EVENT),
    Rule("workflow.failure_rate", "critical", "more than {threshold} % of a saga's runs fail", Heard.ALARM, 10, 15),
    Rule(
        "worker.unhealthy",
        "warning",
        "a worker's calls crash more often than {threshold} %, take longer than 80 % of its timeout, or are throttled",
        Heard.ALARM,
        10,
        5,
    ),
    Rule("worker.consecutive_failures", "critical", "{threshold} jobs of a task fail in a row", Heard.EVENT, 5),
    Rule("worker.queue_depth", "warning", "more than {threshold} messages wait in a queue", Heard.ALARM, 1000, 10),
    Rule("worker.dead_letter", "critical", "messages lie in a dead letter queue", Heard.ALARM),
    Rule("api.rate_limit", "warning", "a provider answers 429", Heard.ALARM),
    Rule("api.circuit_breaker", "critical", "a circuit is open", Heard.EVENT),
    Rule("api.high_error_rate", "warning", "more than {threshold} % of calls or requests fail", Heard.ALARM, 5, 10),
    Rule("api.slow_response", "warning", "one in twenty calls takes over {threshold} seconds", Heard.ALARM, 30, 5),
    Rule("cost.budget_warning", "warning", "{threshold} % of a budget are spent", Heard.LEDGER, 75),
    Rule("cost.budget_critical", "critical", "{threshold} % of a budget are spent", Heard.LEDGER, 90),
    Rule("cost.budget_emergency", "emergency", "{threshold} % of a budget are spent", Heard.LEDGER, 95),
    Rule("cost.credits_low", "warning", "credit of a provider is below credits.warn_below_usd", Heard.ALARM),
    Rule("cost.credits_critical", "critical", "credit of a provider is below credits.critical_below_usd", Heard.ALARM),
    Rule("cost.credits_unknown", "warning", "{threshold} checks of a provider's credit fail in a row", Heard.ALARM, 3),
    Rule("cost.high_daily_usage", "warning", "more was spent than credits.warn_above_usd_a_day", Heard.ALARM),
    Rule("system.memory.high", "warning", "a worker uses more than {threshold} % of its memory", Heard.EVENT, 90, 5),
    Rule("system.cpu.high", "warning", "a worker uses more than {threshold} % of its processor", Heard.EVENT, 85, 5),
    Rule("system.crashed", "critical", "a function that is no worker crashes or runs out of time", Heard.ALARM),
    Rule("system.throttled", "warning", "functions or tables are throttled", Heard.ALARM, minutes=5),
    Rule("database.slow", "warning", "one in a hundred requests takes over {threshold} ms", Heard.ALARM, 100, 10),
    Rule("database.errors", "critical", "a table fails", Heard.ALARM),
    Rule(
        "security.authentication_failures",
        "warning",
        "a caller shows a wrong key {threshold} times",
        Heard.EVENT,
        5,
        5,
    ),
    Rule(
        "security.suspicious_activity",
        "critical",
        "an address that may not be called was named, a key was forged, or used for another tenant",
        Heard.EVENT,
    ),
)
BUILT_IN: Mapping[str, Rule] = {rule.name: rule for rule in _BUILT_IN}
"""By name, as they are without a word in backstay.toml."""

_USUAL_MINUTES = 5
_USUAL_SEVERITY: Severity = "warning"


def rules(settings: AlertSettings) -> Mapping[str, Rule]:
    """All rules by name.

    Raises:
        SettingsError: a table in `[alerts.rules]` is for no rule, or adjusts what its rule does not have.
    """
    return {**BUILT_IN, **{name: _rule(name, of) for name, of in settings.rules.items()}}


def _rule(name: str, settings: RuleSettings) -> Rule:
    if name in BUILT_IN:
        if settings.is_own:
            raise SettingsError(f"alerts.rules.{name} is built in: give your own rule another name")
        return _adjusted(BUILT_IN[name], settings)
    if not settings.is_own:
        import difflib

        close = difflib.get_close_matches(name, BUILT_IN, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "one of your own needs metric or event"
        raise SettingsError(f"alerts.rules.{name} is no built-in rule; {hint}")
    return Rule(
        name,
        severity=settings.severity or _USUAL_SEVERITY,
        means=_meaning(settings),
        heard=Heard.ALARM if settings.metric else Heard.EVENT,
        minutes=(settings.minutes or _USUAL_MINUTES) if settings.metric else None,
        policy=settings.policy,
        enabled=settings.enabled,
        text=settings.text or "",
    )


def _adjusted(rule: Rule, settings: RuleSettings) -> Rule:
    for key in ("threshold", "minutes"):
        if getattr(settings, key) is not None and getattr(rule, key) is None:
            raise SettingsError(f"alerts.rules.{rule.name}.{key}: the rule has none ({rule.means}); remove it")
    return replace(
        rule,
        severity=settings.severity or rule.severity,
        threshold=rule.threshold if settings.threshold is None else float(settings.threshold),
        minutes=settings.minutes or rule.minutes,
        policy=settings.policy or rule.policy,
        enabled=settings.enabled,
        text=settings.text or rule.text,
    )


def _meaning(settings: RuleSettings) -> str:
    if settings.event:
        return f"an event {' or '.join(settings.event.detail_type or settings.event.source)}"
    limit = f"above {settings.above}" if settings.above is not None else f"below {settings.below}"
    return f"{settings.metric} ({settings.statistic}) is {limit}"
