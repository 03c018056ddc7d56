"""One try of one webhook: signed, sent, and what its answer means."""

import json
import time
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from backstay.access.webhook_secrets import WebhookSecretError
from backstay.clock import Clock, iso, utc_now
from backstay.errors import NotNow, Rejected
from backstay.outbound.sender import Bounds, Request, Sends
from backstay.outbound.verdict import SHOWN_CHARACTERS, check_status
from backstay.task import Job
from backstay.telemetry import name_subject
from backstay.webhooks import signed_headers

from .task import Delivered, Webhook

LONGEST_TRY_S = 15.0
_MARGIN_S = 1.0
_SHORTEST_TRY_S = 1.0


class Delivery:
    """Delivers webhooks.

    Args:
        secrets_of: a key's signing secrets, the newest first.
        sender: sends them.
        clock: tells the time.
    """

    def __init__(self, secrets_of: Callable[[str], tuple[str, ...]], sender: Sends, clock: Clock = utc_now) -> None:
        self._secrets_of, self._sender, self._clock = secrets_of, sender, clock

    def deliver(self, webhook: Webhook, job: Job) -> Delivered:
        """Make one try.

        Raises:
            NotNow, UnreachableError: a later try may arrive.
            Rejected, AddressRefusedError: none will.
        """
        name_subject(about=str(webhook.payload.get("job_id", "")))  # the job whose callback it is
        secrets = self._secrets(webhook)
        now = self._clock()
        body = body_of(webhook, iso(now))
        headers = {"Content-Type": "application/json", **signed_headers(webhook.webhook_id, now, body, secrets)}
        total_s = max(_SHORTEST_TRY_S, min(LONGEST_TRY_S, job.remaining_s - _MARGIN_S))
        bounds = Bounds(total_s=total_s, body_bytes=4 * SHOWN_CHARACTERS)  # a character has up to four bytes
        started = time.monotonic()
        response = self._sender.send(Request(webhook.url, headers=headers, body=body.encode(), bounds=bounds))
        check_status(response, now)
        duration_ms = round((time.monotonic() - started) * 1000)
        return Delivered(status=response.status, duration_ms=duration_ms)

    def _secrets(self, webhook: Webhook) -> tuple[str, ...]:
        if webhook.key_id is None:
            raise Rejected(
                "the job was submitted without an API key, so there is no secret to sign its webhook with; "
                "submit through the API, or leave callback_url out"
            )
        try:
            secrets = self._secrets_of(webhook.key_id)
        except WebhookSecretError as error:
            raise Rejected(str(error)) from error
        except (BotoCoreError, ClientError) as error:
            raise NotNow(f"the secret of key {webhook.key_id} can't be read now: {error}") from error
        if not secrets:
            raise Rejected(f"every webhook secret of key {webhook.key_id} is past its time; make a new one")
        return secrets


def body_of(webhook: Webhook, now: str) -> str:
    """The JSON text to sign and send. Its time is that of the event, so that every try has the same body."""
    happened = webhook.payload.get("finished_at")
    content = {"type": webhook.event, "timestamp": happened or now, "data": webhook.payload}
    return json.dumps(content, separators=(",", ":"))
