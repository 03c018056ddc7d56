"""Webhooks as Standard Webhooks has them: signing what is sent, and verifying what was received."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from backstay.clock import from_iso
from backstay.errors import BackstayError


class ForgedWebhookError(BackstayError):
    """A webhook that none of the secrets signed, or that is older than five minutes."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A webhook that was verified."""

    id: str
    """The same however often it is sent; act on it once."""
    type: str
    """Such as `job.completed`."""
    timestamp: datetime
    """When it happened."""
    data: Mapping[str, Any]


def signed_headers(webhook_id: str, sent_at: datetime, body: str, secrets: Sequence[str]) -> dict[str, str]:
    """The three headers of a webhook.

    Args:
        webhook_id: the same for every resend; holds no dot, which separates what is signed.
        sent_at: when this try is made, UTC.
        body: exactly what is sent.
        secrets: in `whsec_` form, the newest first; each signs, so that a receiver may know either.
    """
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(math.floor(sent_at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(webhook_id, sent_at, body) for secret in secrets),
    }


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> WebhookEvent:
    """Verify a webhook before anything of it is believed.

    Args:
        body: as it was received, before any parsing.
        headers: of the request; the case of their names does not matter.
        secrets: those that the receiver knows, in `whsec_` form: one, or two while it changes over.

    Raises:
        ForgedWebhookError: says what is wrong with it; answer 400 or 401, and don't act on it.
    """
    why = "no secret was given to verify it with"
    for secret in secrets:
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError) as error:
            why = str(error)
        else:
            return _event(body, {name.lower(): value for name, value in headers.items()}["webhook-id"])
    raise ForgedWebhookError(f"the webhook is not to be trusted: {why}")


def _event(body: bytes, webhook_id: str) -> WebhookEvent:
    try:
        content = json.loads(body)
        return WebhookEvent(webhook_id, content["type"], from_iso(content["timestamp"]), content["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise ForgedWebhookError(f"the webhook is signed, but is no event of Backstay: {error!r}") from error
