"""A command understood by words alone, where no model can be had. Pure, and never sure of itself."""

import re
from collections.abc import Sequence
from datetime import datetime

from backstay.campaigns.brief import Channel, Offers

from .models import Entities, Intent, Parameters, Understanding
from .when import dates_in, timing_of

MOST_SURE = 0.5
"""Rules see words, not meaning: a person has to look at what they make of a command."""

_MOST_FOUND = 50
_LONGEST_PHRASE = 200

_CHANNELS: dict[Channel, re.Pattern[str]] = {
    Channel.EMAIL: re.compile(r"\b(?:e-?mails?|newsletters?|mailings?)\b", re.IGNORECASE),
    Channel.SMS: re.compile(
        r"\b(?:sms(?:es)?|text messages?|texts?(?= (?:campaign|blast|to|our|all)))\b", re.IGNORECASE
    ),
    Channel.PUSH: re.compile(r"\bpush(?: notifications?)?\b", re.IGNORECASE),
    Channel.SOCIAL: re.compile(r"\b(?:social(?: media)?|instagram|facebook|linkedin|tweets?)\b", re.IGNORECASE),
}
_CREATE = re.compile(
    r"\b(?:create|launch|send|start|make|build|schedule|run|draft|prepare|set up|announce|promote|write)\b",
    re.IGNORECASE,
)
_STATUS = re.compile(
    r"\b(?:status|progress|perform(?:ing|ance)?|metrics|results|stats|statistics|how (?:is|are|did|does)\b.{0,60}?"
    r"\b(?:doing|going|campaigns?|perform))",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"\b(?:list|show|which|what|view|see|display)\b.{0,40}?\bcampaigns\b|\b(?:my|all) campaigns\b", re.IGNORECASE
)
_HELP = re.compile(r"\b(?:help|what can (?:you|i)|how (?:do|can) i|how to|usage|commands)\b", re.IGNORECASE)

_PERCENTAGE = re.compile(r"(?<![\w.,])\d{1,3}(?:[.,]\d{1,2})?[ \u00a0]?(?:%|percent\b)", re.IGNORECASE)
_AMOUNT_OFF = re.compile(
    r"(?:[$€£][ ]?\d{1,6}(?:[.,]\d{1,2})?|\d{1,6}(?:[.,]\d{1,2})? ?(?:EUR|USD|GBP|dollars|euros?))(?= off\b)"
)
_NAMED_CODE = re.compile(r"\b(?:code|coupon|voucher)s?[ :]{1,3}[\"'“”]?([A-Z0-9][A-Z0-9_-]{2,19})\b")
_BARE_CODE = re.compile(r"\b(?=[A-Z0-9]{0,14}\d)[A-Z]{3,12}\d{1,4}\b")
_EXPIRY = re.compile(
    r"\b(?:until|till|expir(?:es|ing|y)|valid (?:through|to)|ends?|ending)(?: on| by)? ([^,.;!?#\n]{3,60})",
    re.IGNORECASE,
)
_AUDIENCE = re.compile(
    r"\b(?:to|for|at|targeting) ((?:all |our |the |my |every )?(?:[\w'-]+ ){0,4}"
    r"(?:customers?|subscribers?|members?|users?|buyers?|leads?|clients?|shoppers?|visitors?|donors?|students?|fans|people|list))\b",
    re.IGNORECASE,
)
_QUOTED = r"[\"“'‘«]([^\"”“»«‘\n]{1,%d}?)[\"”'’»]"  # noqa: RUF001 - how people quote
_NAME = re.compile(
    r"\b(?:called|named|titled) (?:" + _QUOTED % 200 + r"|([\w&'-]+(?: [A-Z][\w&'-]*){0,5}))", re.IGNORECASE
)
_THE_NAME = re.compile(r"\b(?:[Tt]he|of|my|our) ([A-Z][\w&'-]*(?: [A-Z0-9][\w&'-]*){0,4}) campaign\b")
_SUBJECT = re.compile(r"\bsubject(?: line)?(?: is| of)?[ :]{1,3}" + _QUOTED % 200, re.IGNORECASE)
_MESSAGE = re.compile(r"\b(?:saying|says?|message|text|body)(?: that| is)?[ :]{1,3}" + _QUOTED % 5_000, re.IGNORECASE)
_TAG = re.compile(r"(?<!\w)#(\w{1,60})")
_URGENT = re.compile(r"\b(?:urgent(?:ly)?|asap|high priority)\b", re.IGNORECASE)
_LEISURELY = re.compile(r"\blow priority\b", re.IGNORECASE)


_ARTICLED = {Channel.EMAIL: "an email", Channel.SMS: "an SMS", Channel.PUSH: "a push", Channel.SOCIAL: "a social media"}


def understand_by_rules(text: str, now: datetime) -> Understanding:
    """What the words of a command say. English; of another language only what looks the same there.

    Args:
        text: 1 to 10,000 characters.
        now: what "tomorrow" is counted from.

    Returns:
        A confidence of at most 0.5; one of 0.1 where nothing is recognised, and then the intent is `help`.
    """
    channels = tuple(channel for channel, words in _CHANNELS.items() if words.search(text))
    intent, confidence = _intent(text, channels)
    entities = _entities(text, now)
    parameters = _parameters(text, channels, entities, now) if intent.creates else _about(text)
    return Understanding(
        intent=intent,
        confidence=confidence,
        parameters=parameters,
        extracted_entities=entities,
        summary=_summary(intent, parameters),
    )


def _intent(text: str, channels: Sequence[Channel]) -> tuple[Intent, float]:
    """An intent, and how sure it is. Questions come first: "how is the email campaign doing" creates nothing."""
    creates = _CREATE.search(text)
    if _STATUS.search(text) and not creates:
        return Intent.GET_CAMPAIGN_STATUS, 0.5
    if _LIST.search(text) and not (creates and channels):
        return Intent.LIST_CAMPAIGNS, 0.5
    if _HELP.search(text):
        return Intent.HELP, 0.5
    if not creates and not channels:
        return Intent.HELP, 0.1
    is_sms = Channel.SMS in channels and Channel.EMAIL not in channels
    sure = 0.5 if creates and channels else 0.3
    if not channels and not re.search(r"\b(?:campaign|promotion|sale|offer|announcement)s?\b", text, re.IGNORECASE):
        return Intent.HELP, 0.1
    return (Intent.CREATE_SMS_CAMPAIGN if is_sms else Intent.CREATE_EMAIL_CAMPAIGN), sure


def _entities(text: str, now: datetime) -> Entities:
    return Entities(
        dates=dates_in(text, now)[:_MOST_FOUND],
        percentages=_found(_PERCENTAGE, text),
        promo_codes=tuple(dict.fromkeys((*_found(_NAMED_CODE, text), *_found(_BARE_CODE, text))))[:_MOST_FOUND],
        audiences=_found(_AUDIENCE, text),
        channels=tuple(
            dict.fromkeys(found[0].lower() for words in _CHANNELS.values() for found in words.finditer(text))
        )[:_MOST_FOUND],
    )


def _parameters(text: str, channels: tuple[Channel, ...], entities: Entities, now: datetime) -> Parameters:
    return Parameters(
        name=_first(_NAME, text),
        type=channels[0] if channels else None,
        subject=_first(_SUBJECT, text),
        message=_first(_MESSAGE, text),
        audience=entities.audiences[0] if entities.audiences else None,
        timing=timing_of(text, now),
        channels=channels,
        priority="high" if _URGENT.search(text) else "low" if _LEISURELY.search(text) else None,
        tags=_found(_TAG, text)[:20],
        offers=Offers(
            discount=next(iter((*entities.percentages, *_found(_AMOUNT_OFF, text))), None),
            promo_code=next(iter(entities.promo_codes), None),
            expiry=_first(_EXPIRY, text),
        ),
    )


def _about(text: str) -> Parameters:
    """What a question is about: the campaign's name, where it has one."""
    return Parameters(name=_first(_NAME, text) or _first(_THE_NAME, text))


def _summary(intent: Intent, parameters: Parameters) -> str:
    match intent:
        case Intent.CREATE_EMAIL_CAMPAIGN | Intent.CREATE_SMS_CAMPAIGN:
            kind = _ARTICLED[parameters.type or Channel.EMAIL]
            name = f" called {parameters.name}" if parameters.name else ""
            audience = f" for {parameters.audience}" if parameters.audience else ""
            return f"Create {kind} campaign{name}{audience}."
        case Intent.GET_CAMPAIGN_STATUS:
            return f"Tell how {parameters.name or 'the campaigns'} stand{'s' if parameters.name else ''}."
        case Intent.LIST_CAMPAIGNS:
            return "List the campaigns."
        case Intent.HELP:
            return "Tell what can be asked for."


def _found(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    """What a pattern finds, each once, in the order of the text."""
    found = (match[match.lastindex or 0].strip() for match in pattern.finditer(text))
    return tuple(dict.fromkeys(phrase[:_LONGEST_PHRASE] for phrase in found if phrase))[:_MOST_FOUND]


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return (found[found.lastindex or 0].strip() or None) if found else None
