"""Delivers the webhook of a job that is over. Submitted by the worker that ended it, never by a caller."""

import functools
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from backstay.task import Job, Task

if TYPE_CHECKING:
    from .delivery import Delivery


class Webhook(BaseModel):
    """What to tell, and whom."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    webhook_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
    url: str = Field(repr=False)
    key_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None
    """The API key whose secret signs."""
    event: Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_]+)*$")]
    payload: dict[str, Any] = Field(repr=False)


class Delivered(BaseModel):
    """How the receiver took it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    status: int
    duration_ms: int
    """Of the try that arrived, from the look-up of the host's name to the end of the answer."""


task = Task(
    name="deliver-webhook",
    input=Webhook,
    output=Delivered,
    timeout=20,
    concurrency=50,  # mostly waiting: for receivers, some of them slow or gone
    memory_mb=256,
    uses=("webhook-secrets", "outbound-http"),
)


@task.run
def deliver(webhook: Webhook, job: Job) -> Delivered:
    """Make one try.

    Raises:
        NotNow: the receiver can't be reached, or asks to be asked later.
        Rejected: it doesn't want the webhook, or the key has no secret to sign it with.
        AddressRefusedError: the URL leads to an address that may not be called.
    """
    return _delivery().deliver(webhook, job)


@functools.cache
def _delivery() -> "Delivery":
    """Made at the first job: the API imports this module too, for the declaration only."""
    from backstay import config
    from backstay.access.webhook_secrets import WebhookSecrets
    from backstay.outbound.policy import Policy
    from backstay.outbound.sender import Sender
    from backstay.settings import Environment

    from .delivery import Delivery
    from .recent_secrets import RecentSecrets

    secrets = RecentSecrets(WebhookSecrets(Environment.read().secret_prefix).signing)
    return Delivery(secrets.get, Sender(Policy.for_callbacks(config.load().outbound)))
