"""Texts made to fit a channel: mended, cut where nothing else helps, with the reasons. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from backstay.campaigns.brief import Channel

VERSION = "1"
"""Raise it with any change of the limits; reservations name it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a channel carries, in characters."""

    body: int
    subject: int = 0
    """0: it has none."""
    is_one_line: bool = False
    is_plain: bool = True
    """Shows no Markdown."""


LIMITS = {
    Channel.EMAIL: Limits(body=20_000, subject=150, is_plain=False),
    Channel.SMS: Limits(body=160, is_one_line=True),
    Channel.PUSH: Limits(body=150, subject=50, is_one_line=True),
    Channel.SOCIAL: Limits(body=280),
}

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")
_MARKUP = re.compile(r"\*\*|__|`|^#{1,6} +", re.MULTILINE)
_TYPOGRAPHY = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "\u2018": "'", "\u2019": "'", "\u2013": "-", "—": "-", "…": "...", "\u00a0": " "}
)
"""What makes a text message of 160 characters one of 70 (GSM 03.38)."""
_SHORTEST_REST = 20


@dataclass(slots=True)
class Fitted:
    """A text for a channel, and what had to be done to it."""

    subject: str | None
    body: str
    repairs: list[str] = field(default_factory=list)


def readable(text: str) -> str:
    """A text without control characters, and without white space at its ends."""
    return _CONTROL.sub("", text.replace("\r\n", "\n")).strip()


def fit(channel: Channel, subject: str | None, body: str, *, wanted_subject: str, promo_code: str | None) -> Fitted:
    """A text within a channel's limits.

    Args:
        channel: where it goes.
        subject: what was written for a subject.
        body: what was written. One that says nothing stays empty.
        wanted_subject: stands in for a subject that is missing.
        promo_code: must not be lost when the body is cut.
    """
    limits, fitted = LIMITS[channel], Fitted(None, body)
    fitted.body = _mended(fitted, limits, channel)
    if limits.subject:
        fitted.subject = _subject(fitted, subject or "", wanted_subject, limits.subject)
    cut = _ThatCuts("..." if channel is Channel.SMS else "…")
    if len(fitted.body) > limits.body:
        fitted.repairs.append(f"the body had {len(fitted.body)} characters and was cut to {limits.body}")
        fitted.body = _with_code(cut, fitted, limits.body, promo_code)
    return fitted


@dataclass(frozen=True, slots=True)
class _ThatCuts:
    """Cuts texts between words, and shows that it did."""

    mark: str

    def __call__(self, text: str, most: int) -> str:
        if len(text) <= most:
            return text
        room = most - len(self.mark)
        kept = text[:room]
        between = max(kept.rfind(" "), kept.rfind("\n"))
        if not text[room].isspace() and between > room // 2:
            kept = kept[:between]
        return kept.rstrip() + self.mark


def _mended(fitted: Fitted, limits: Limits, channel: Channel) -> str:
    steps: list[tuple[str, Callable[[str], str]]] = [("control characters were taken out", readable)]
    if limits.is_plain:
        steps.append(("Markdown was taken out", lambda text: _MARKUP.sub("", text)))
    if channel is Channel.SMS:
        steps.append(("typographic signs were made plain", lambda text: text.translate(_TYPOGRAPHY)))
    text = fitted.body
    for reason, step in steps:
        before, text = text, step(text)
        if text != before.replace("\r\n", "\n").strip():
            fitted.repairs.append(reason)
    return " ".join(text.split()) if limits.is_one_line else _BLANK_LINES.sub("\n\n", text).strip()


def _subject(fitted: Fitted, written: str, wanted: str, most: int) -> str:
    subject = " ".join(readable(written).split())
    if not subject:
        subject = " ".join(readable(wanted).split())
        fitted.repairs.append("the subject was missing")
    if len(subject) > most:
        fitted.repairs.append(f"the subject had {len(subject)} characters and was cut to {most}")
    return _ThatCuts("…")(subject, most)


def _with_code(cut: _ThatCuts, fitted: Fitted, most: int, promo_code: str | None) -> str:
    body = cut(fitted.body, most)
    if not promo_code or promo_code not in fitted.body or promo_code in body:
        return body
    ending = f" Code: {promo_code}"
    if len(ending) + _SHORTEST_REST > most:
        return body
    fitted.repairs.append("the promo code was moved to the end, since the cut would have lost it")
    return cut(fitted.body, most - len(ending)) + ending
