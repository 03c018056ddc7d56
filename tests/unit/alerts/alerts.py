"""Alerts as tests need them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from backstay.alerts.alert import Alert, AlertState
from backstay.alerts.occurrence import Severity
from deliver_alert.message import Message

OPENED = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)

OPEN = Alert(
    id="abcdefghijklmnopqrstuvwx",
    condition="worker.dead_letter|enhance-story",
    rule="worker.dead_letter",
    source="enhance-story",
    severity=Severity.CRITICAL,
    text="Messages lie in the dead letter queue: backstay dlq ls enhance-story",
    opened_at=OPENED,
    last_at=OPENED,
)
ACKNOWLEDGED = replace(OPEN, state=AlertState.ACKNOWLEDGED, acknowledged_at=OPENED, acknowledged_by="ada")
RESOLVED = replace(OPEN, state=AlertState.RESOLVED, resolved_at=OPENED, resolved_by="condition ended")

LINK = "https://look.test/alerts/1"


def message(alert: Alert = OPEN, link: str = LINK, **changes: Any) -> Message:
    """What is told of an alert in the state that it is in."""
    changed = replace(alert, **changes)
    return Message(changed, changed.state, link, "dev")
