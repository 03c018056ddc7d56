"""PagerDuty's Events API, version 2: trigger, acknowledge and resolve, all under one key an alert."""

from typing import Any

from backstay.alerts.alert import AlertState
from backstay.alerts.occurrence import Severity
from backstay.clock import iso

from .message import Message
from .posting import Posting, json_text

_ACTIONS = {AlertState.OPEN: "trigger", AlertState.ACKNOWLEDGED: "acknowledge", AlertState.RESOLVED: "resolve"}
_SEVERITIES = {Severity.INFO: "info", Severity.WARNING: "warning"}
"""PagerDuty's highest is critical, for all others."""

_LONGEST_SUMMARY = 1_024


class PagerDuty:
    """One channel.

    Args:
        routing_key: of the service's integration.
        url: where its events are taken.
        posting: posts.
    """

    def __init__(self, routing_key: str, url: str, posting: Posting) -> None:
        self._routing_key, self._url, self._posting = routing_key, url, posting

    def send(self, message: Message, within_s: float) -> None:
        """Make one try. Harmless when repeated. Raises what `Posting.post` raises."""
        event = {"routing_key": self._routing_key, **event_of(message)}
        self._posting.post(self._url, json_text(event), within_s=within_s)


def event_of(message: Message) -> dict[str, Any]:
    """The event, but for the routing key."""
    alert = message.alert
    event: dict[str, Any] = {"event_action": _ACTIONS[message.about], "dedup_key": f"backstay-{alert.id}"}
    if message.about is not AlertState.OPEN:
        return event
    link = {"links": [{"href": message.link, "text": "Look at it"}]} if message.link else {}
    return event | link | {
        "payload": {
            "summary": f"{message.headline}: {message.text}"[:_LONGEST_SUMMARY],
            "source": f"backstay-{message.stage}",
            "severity": _SEVERITIES.get(alert.severity, "critical"),
            "timestamp": iso(alert.opened_at),
            "component": alert.source,
            "group": alert.category,
            "class": alert.rule,
            "custom_details": message.facts | {"remedy": message.remedy},
        },
    }  # fmt: skip
