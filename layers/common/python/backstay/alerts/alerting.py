"""What becomes of occurrences: an alert is opened, counted up or resolved, and people are told of it once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from backstay import config
from backstay.alerts.alert import CONDITION_ENDED, QUIET, Alert, AlertState, opened_by
from backstay.alerts.mute_store import MuteStore
from backstay.alerts.muting import mute_of
from backstay.alerts.occurrence import Kind, Occurrence, Severity
from backstay.alerts.rules import Rule, rules
from backstay.alerts.store import AlertStore, StaleAlertError, Standing
from backstay.alerts.telling import Telling
from backstay.clock import Clock, utc_now
from backstay.resilience.retry import retry_quickly
from backstay.settings import Environment
from backstay.telemetry import logger
from backstay.transactions import STEP_APART

Tell = Callable[[Alert], None]
"""Sees to it that people are told of the state that an alert is in; the same twice does no more than once."""

_TOLD_WITHIN = timedelta(seconds=30)
"""Whoever changed an alert tells of it. What is untold for longer, nobody is about to tell."""


class Alerting:
    """Alerts of one stage.

    Args:
        table: of alerts.
        rules: by name, as backstay.toml adjusts them. What no rule is known for is a warning.
        tell: hands on what people are to be told.
        clock: UTC.
    """

    def __init__(self, table: str, rules: Mapping[str, Rule], tell: Tell, clock: Clock = utc_now) -> None:
        self.store, self.mutes = AlertStore(table), MuteStore(table)
        self._rules, self._tell, self._clock = rules, tell, clock

    def take(self, occurrence: Occurrence) -> Alert | None:
        """Take in what happened, twice, late or out of order; answers its alert, None where none is needed or wanted.

        Raises:
            StaleAlertError: others keep changing the alert.
            Exception: what telling raises; taken in anew, it is told again.
        """
        rule = self._rules.get(occurrence.rule)
        if rule and not rule.enabled:
            return None
        alert = retry_quickly(lambda: self._take(occurrence), on=(StaleAlertError,), policy=STEP_APART)
        return self._told(alert) if alert else None

    def acknowledge(self, alert_id: str, by: str) -> Alert | None:
        """Let somebody look after an alert: nobody else is told. None where there is no such alert.

        Raises:
            AlertOverError: it is resolved.
            StaleAlertError: others keep changing it.
            Exception: what telling raises.
        """
        alert = self.store.change(alert_id, lambda alert: alert.acknowledged(by, self._clock()))
        return self._told(alert) if alert else None

    def resolve(self, alert_id: str, by: str) -> Alert | None:
        """Let an alert be over. None where there is no such alert.

        Raises:
            StaleAlertError: others keep changing it.
            Exception: what telling raises.
        """
        alert = self.store.change(alert_id, lambda alert: alert.resolved(by, self._clock()))
        return self._told(alert) if alert else None

    def may_escalate(self, alert_id: str) -> bool:
        """Whether the next step of an escalation is still wanted: nobody looks after the alert, and it isn't muted."""
        alert = self.store.get(alert_id)
        if alert is None or alert.state is not AlertState.OPEN or alert.muted_by:
            return False
        now = self._clock()
        return mute_of(alert.rule, alert.source, self.mutes.not_over(now), now) is None

    def look(self) -> list[Alert]:
        """Resolve what has been quiet for long enough, and tell what nobody has told; answers what was changed.

        Raises:
            ExceptionGroup: of what telling or changing single alerts raised; all others were looked at.
        """
        now = self._clock()
        changed, troubles = list[Alert](), list[Exception]()
        for alert in [one for one in self.store.unresolved() if one.is_quiet(now)]:
            _collect(self._quiet, alert, changed, troubles)
        for alert in self.store.untold(now - _TOLD_WITHIN):
            _collect(self._told, alert, changed, troubles)
        if troubles:
            raise ExceptionGroup("some alerts could not be looked at", troubles)
        return changed

    def _take(self, occurrence: Occurrence) -> Alert | None:
        standing = self.store.standing(occurrence.condition)
        current = self.store.get(standing.alert_id) if standing.alert_id else None
        if occurrence.kind is Kind.ENDS:
            return self._end(occurrence, standing, current)
        if current is None:
            return self._open(occurrence, standing)
        if occurrence.once_in and (current.once_in or "") < occurrence.once_in:
            over = self.store.save(current, current.resolved(CONDITION_ENDED, occurrence.at))
            self._told(over)
            return self._open(occurrence, self.store.standing(occurrence.condition))
        return self.store.count_up(current, occurrence)

    def _open(self, occurrence: Occurrence, standing: Standing) -> Alert | None:
        if occurrence.kind is Kind.BEGINS and standing.ended_at and occurrence.at <= standing.ended_at:
            logger().info("word of a beginning came after word of the end", condition=occurrence.condition)
            return None
        now = self._clock()
        muted_by = mute_of(occurrence.rule, occurrence.source, self.mutes.not_over(occurrence.at), occurrence.at, now)
        rule = self._rules.get(occurrence.rule)
        severity = occurrence.severity or Severity(rule.severity if rule else Severity.WARNING)
        text = (rule and rule.text) or occurrence.text
        opened = opened_by(replace(occurrence, text=text), severity, muted_by)
        was_there = self.store.open(opened)
        return self.store.count_up(was_there, occurrence) if was_there else opened

    def _end(self, occurrence: Occurrence, standing: Standing, current: Alert | None) -> Alert | None:
        if current is None:
            self.store.note_end(occurrence.condition, occurrence.at, standing)
            return self.store.get(standing.last_id) if standing.last_id else None
        return self.store.save(current, current.ended(occurrence))

    def _quiet(self, alert: Alert) -> Alert:
        now = self._clock()
        resolved = self.store.change(alert.id, lambda one: one.resolved(QUIET, now) if one.is_quiet(now) else one)
        return self._told(resolved or alert)

    def _told(self, alert: Alert) -> Alert:
        """The alert, once people are told of its state, by whoever was the one to do it."""
        if not alert.is_untold:
            return alert
        self._tell(alert)
        return self.store.note_told(alert.id, alert.state) or alert


def _collect(work: Callable[[Alert], Alert], alert: Alert, changed: list[Alert], troubles: list[Exception]) -> None:
    try:
        changed.append(work(alert))
    except Exception as error:  # noqa: BLE001 - raised by `look`, once the others had their turn
        troubles.append(error)


def alerting(env: Environment) -> Alerting:
    """As a stage is set up."""
    settings = config.load().alerts
    return Alerting(env.alerts_table, rules(settings), Telling(env, settings).tell)
