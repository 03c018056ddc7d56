"""From what backstay.toml says of a channel, and its secret, to what sends."""

from typing import Protocol

from backstay.alert_settings import PAGERDUTY_URL, ChannelSettings
from backstay.errors import Rejected

from .message import Message
from .posting import Posting


class Channel(Protocol):
    """Where people are told."""

    def send(self, message: Message, within_s: float) -> None:
        """Make one try.

        Args:
            message: what to tell.
            within_s: seconds that it may take.

        Raises:
            NotNow, UnreachableError: a later try may arrive.
            Rejected, AddressRefusedError: none will.
        """


class Secrets(Protocol):
    """Keeps secrets for a while; `backstay.llm.api_keys.ApiKeys` is one."""

    def get(self, secret: str) -> str | None:
        """A secret by its name without the stage's prefix, or None."""

    def forget(self, secret: str) -> None:
        """Read it anew when it is next asked for."""


def channel_of(settings: ChannelSettings, secrets: Secrets, posting: Posting) -> Channel:
    """A channel, ready to send.

    Args:
        settings: what backstay.toml says of it.
        secrets: where its secret is.
        posting: posts, for those that are told over HTTP.

    Raises:
        Rejected: its secret is missing.
        WorkError: Secrets Manager does not answer.
    """
    if settings.kind == "email":
        from .email import Email  # who sends no email need not import what sends it

        return Email(settings.sender or "", settings.to)
    secret = _secret(settings.secret or "", secrets)
    match settings.kind:
        case "slack":
            from .slack import Slack

            return Slack(secret, posting)
        case "pagerduty":
            from .pagerduty import PagerDuty

            return PagerDuty(secret, settings.url or PAGERDUTY_URL, posting)
        case "webhook":
            from .webhook import SignedWebhook

            return SignedWebhook(settings.url or "", secret.split(), posting)


def _secret(name: str, secrets: Secrets) -> str:
    if value := secrets.get(name):
        return value
    raise Rejected(f"there is no secret {name!r}; make it: backstay secrets set {name}")
