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
_LONGEST_SECTION, _LONGEST_TEXT, _LONGEST_LINE = 2_900, 1_400, 250
"""Slack takes 3,000 characters of a section; what is escaped is longer than it was."""


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
    headline, text = _cut(message.headline, _LONGEST_LINE), _cut(message.text, _LONGEST_TEXT)
    said = f"{sign} *{_escaped(headline)}*\n{_escaped(text)}"
    facts = " · ".join(_escaped(f"{name} {_cut(value, _LONGEST_LINE)}") for name, value in message.facts.items())
    notes = [facts, f"<{message.link}|Look at it>" if message.link else "", _escaped(message.remedy)]
    return {
        "text": _escaped(f"{headline}: {text}"),
        "blocks": [
            {"type": "section", "text": _markdown(said[:_LONGEST_SECTION])},
            {"type": "context", "elements": [_markdown(note[:_LONGEST_SECTION]) for note in notes if note]},
        ],
    }


def _markdown(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def _cut(text: str, most: int) -> str:
    """Not longer than that; it shows where something is missing."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _escaped(text: str) -> str:
    """Nobody who gets a word into an alert may link or mention through it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
