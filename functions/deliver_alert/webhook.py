"""A webhook of the team's own, signed as those of jobs are (Standard Webhooks)."""

from collections.abc import Sequence
from typing import Any

from backstay.clock import Clock, iso, utc_now
from backstay.webhooks import signed_headers

from .message import Message
from .posting import Posting, json_text

_EVENTS = {"open": "alert.opened", "acknowledged": "alert.acknowledged", "resolved": "alert.resolved"}


class SignedWebhook:
    """One channel.

    Args:
        url: who gets it.
        secrets: in `whsec_` form, the newest first; each signs.
        posting: posts.
        clock: tells the time.
    """

    def __init__(self, url: str, secrets: Sequence[str], posting: Posting, clock: Clock = utc_now) -> None:
        self._url, self._secrets, self._posting, self._clock = url, secrets, posting, clock

    def send(self, message: Message, within_s: float) -> None:
        """Make one try; its id is the same for each. Raises what `Posting.post` raises."""
        webhook_id = f"alert_{message.alert.id}-{message.about}"
        body = json_text(event_of(message))
        headers = signed_headers(webhook_id, self._clock(), body, self._secrets)
        self._posting.post(self._url, body, headers, within_s=within_s)


def event_of(message: Message) -> dict[str, Any]:
    """What is told; the same for every try."""
    alert = message.alert
    return {
        "type": _EVENTS[message.about],
        "timestamp": iso(message.happened_at),
        "data": {
            "id": alert.id,
            "rule": alert.rule,
            "category": alert.category,
            "source": alert.source,
            "severity": str(alert.severity),
            "state": str(message.about),
            "text": alert.text,
            "tenant": alert.tenant,
            "details": dict(alert.details),
            "opened_at": iso(alert.opened_at),
            "acknowledged_by": alert.acknowledged_by,
            "resolved_by": alert.resolved_by,
            "stage": message.stage,
            "link": message.link,
        },
    }
