"""Where the embedded cloud's alerts arrive: one channel a kind, all on this machine, whatever backstay.toml names."""

from collections.abc import Mapping

from backstay.alert_settings import ChannelKind, ChannelSettings

SLACK, PAGERDUTY, WEBHOOK, EMAIL = "slack", "pagerduty", "ops", "email"
"""Names of the channels; the receiver keeps what the first three get under `/alerts/<name>`, the emulator emails."""

MAIL_DOMAIN = "example.com"
"""Of senders and receivers; verified in the emulator, which is as strict as SES."""

_KINDS: Mapping[str, ChannelKind] = {SLACK: "slack", PAGERDUTY: "pagerduty", WEBHOOK: "webhook", EMAIL: "email"}
_SIGNING_SECRET = "whsec_dGhlLWVtYmVkZGVkLWNsb3VkLXNpZ25zLXdpdGg="  # noqa: S105 - signs for the receiver here only


def alert_channels(inbox: str) -> Mapping[str, ChannelSettings]:
    """The channels.

    Args:
        inbox: host and port of the receiver on this machine.
    """
    return {name: _channel(name, kind, inbox) for name, kind in _KINDS.items()}


def alert_secrets(inbox: str) -> dict[str, str]:
    """The channels' secrets, by name without the stage's prefix."""
    return {
        f"alerts/{SLACK}": address(inbox, SLACK),
        f"alerts/{PAGERDUTY}": "taken-by-the-receiver",
        f"alerts/{WEBHOOK}": _SIGNING_SECRET,
    }


def address(inbox: str, channel: str) -> str:
    """Where a channel's messages go."""
    return f"http://{inbox}/alerts/{channel}"


def _channel(name: str, kind: ChannelKind, inbox: str) -> ChannelSettings:
    if kind == "email":
        return ChannelSettings(kind=kind, sender=f"backstay@{MAIL_DOMAIN}", to=(f"ops@{MAIL_DOMAIN}",))
    url = address(inbox, name) if kind in ("pagerduty", "webhook") else None
    return ChannelSettings(kind=kind, secret=f"alerts/{name}", url=url)
