"""Content without a model: the brief's own words, put into a fixed form for each channel. Pure."""

from backstay.campaigns.brief import Channel

from .fitting import readable
from .models import Brief, Written

VERSION = "1"
"""Raise it with any change of the forms; reservations name it."""


def subject_of(brief: Brief) -> str:
    """A subject, from what the brief says first."""
    audience = _said(brief.audience)
    named = _said(brief.subject) or _said(brief.name)
    return named or _discount(brief) or (f"News for {audience}" if audience else "News for you")


def by_template(brief: Brief, channel: Channel) -> Written:
    """The text for a channel. Where it may be cut, what is offered stands before the message."""
    message, offer, subject = _said(brief.message), _offer(brief), subject_of(brief)
    if channel is Channel.EMAIL:
        paragraphs = ("Hello,", message or f"We have news for you: {subject}.", offer, "Your team")
        return Written(channel=channel, subject=subject, body="\n\n".join(filter(None, paragraphs)))
    said = " ".join(filter(None, (offer, message)))
    return Written(channel=channel, subject=subject if channel is Channel.PUSH else None, body=said or subject)


def _offer(brief: Brief) -> str:
    code, expiry = _said(brief.offers.promo_code), _said(brief.offers.expiry)
    parts = (_discount(brief), f"with code {code}" if code else "", f"until {expiry}" if expiry else "")
    text = " ".join(filter(None, parts))
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _discount(brief: Brief) -> str:
    discount = _said(brief.offers.discount)
    return f"{discount} off" if discount else ""


def _said(text: str | None) -> str:
    return readable(text or "")
