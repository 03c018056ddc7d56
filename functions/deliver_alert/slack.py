"""A Slack incoming webhook: its URL is the secret."""

from typing import Any

from backstay.alerts.alert import AlertState
from backstay.alerts.occurrence import Severity

from .message import Message
from .posting import Posting, json_text

_SIGNS = {
    Severity.INFO: ":information_source:",
    Severity.WARNING: ":warning:",
    Severity.CRITICAL: ":red_circle:",
    Severity.EMERGENCY: ":rotating_light:",
}
_LONGEST_SECTION, _LONGEST_LINE = 2_900, 250  # Slack takes 3,000 characters, and then some are escaped


class Slack:
    """One channel.

    Args:
        url: of the incoming webhook.
        posting: posts.
    """

    def __init__(self, url: str, posting: Posting) -> None:
        self._url, self._posting = url, posting

    def send(self, message: Message, within_s: float) -> None:
        """Make one try. Raises what `Posting.post` raises."""
        self._posting.post(self._url, json_text(body_of(message)), within_s=within_s)


def body_of(message: Message) -> dict[str, Any]:
    """The message in Slack's blocks; `text` is what notifications and screen readers show."""
    sign = _SIGNS[message.alert.severity] if message.about is AlertState.OPEN else ":white_check_mark:"
    said = f"{sign} *{_escaped(message.headline[:_LONGEST_LINE])}*\n{_escaped(message.text[: _LONGEST_SECTION // 2])}"
    facts = " · ".join(f"{_escaped(name)} {_escaped(value[:_LONGEST_LINE])}" for name, value in message.facts.items())
    notes = [facts, f"<{message.link}|Look at it>" if message.link else "", _escaped(message.remedy)]
    return {
        "text": _escaped(f"{message.headline[:_LONGEST_LINE]}: {message.text[:_LONGEST_LINE]}"),
        "blocks": [
            {"type": "section", "text": _markdown(said[:_LONGEST_SECTION])},
            {"type": "context", "elements": [_markdown(note[:_LONGEST_SECTION]) for note in notes if note]},
        ],
    }


def _markdown(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def _escaped(text: str) -> str:
    """Nobody who gets a word into an alert may link or mention through it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
