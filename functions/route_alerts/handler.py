"""Alarms and our own events become alerts; every minute a look for what is over, and for what nobody was told of."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from backstay.access.key import EVERY_TENANT
from backstay.alerts.alert import Alert, AlertState
from backstay.settings import Environment
from backstay.telemetry import Metric, emit, logger

from .reading import occurrences_of

if TYPE_CHECKING:
    from backstay.alerts.alerting import Alerting
    from backstay.live.telling import Teller

_CLOCK = "Scheduled Event"


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Take in what an event tells, or look once; answers the alerts by id, with their states.

    Raises:
        UnreadableEventError: the event is none that alerts come from.
        Exception: what changing or telling of alerts raises; Lambda hands the event in again.
    """
    if event.get("detail-type") == _CLOCK:
        changed = _alerting().look()
    else:
        env = Environment.read()
        told = (_alerting().take(one) for one in occurrences_of(event, env.stage, env.function_prefix))
        changed = [alert for alert in told if alert]
    for alert in changed:
        _measure(alert)
    if changed:
        _tell_watchers(changed)
    return {alert.id: str(alert.state) for alert in changed}


def _tell_watchers(changed: Iterable[Alert]) -> None:
    """Alerts concern every tenant, and so only who may see all is told."""
    from backstay.live.changes import Changes

    _teller().tell(lambda: {EVERY_TENANT: Changes(alerts=frozenset(alert.id for alert in changed))})


def _measure(alert: Alert) -> None:
    where: dict[str, str | int] = {"alert_id": alert.id, "rule": alert.rule, "source": alert.source}
    logger().info("alert", state=str(alert.state), count=alert.count, muted_by=alert.muted_by, alert=where)
    if alert.state is AlertState.OPEN and alert.count == 1:
        emit([Metric("AlertsOpened", 1)], {"Severity": str(alert.severity)}, where)


@cache
def _teller() -> "Teller":
    from backstay.live.telling import Teller

    return Teller(Environment.read())


@cache
def _alerting() -> "Alerting":
    from backstay.alerts.alerting import alerting

    return alerting(Environment.read())
