"""Every failure of a provider, mapped once to a class (spec: LLM calls, error classes)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from backstay.errors import ErrorClass, WorkError

_LONGEST_MESSAGE = 300
_LONGEST_WAIT_S = 86_400.0


class LLMError(WorkError):
    """A call that failed, or an answer that is not what was asked for."""

    def __init__(
        self, error_class: ErrorClass, message: str, *, route: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(error_class, f"{route}: {message}" if route else message, retry_after_s=retry_after_s)
        self.route = route


class NotConfigured(LLMError):  # noqa: N818 - a state of the deployment, not a fault of the call
    """No route has a provider with an API key. A job that can't do without waits until one is set up."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorClass.AUTH, message)


class Fault(StrEnum):
    """How a call failed that got no answer we could read."""

    TIMEOUT = "timeout"
    CONNECTION = "connection lost"
    MALFORMED = "malformed answer"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a failure: the HTTP status and body, or the fault where there was no such answer."""

    status: int | None = None
    body: object = None
    fault: Fault | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    """What the body of an error says, whichever provider wrote it."""

    message: str
    codes: frozenset[str]
    status: int | None
    """The status that a gateway wraps, where it answers for somebody else."""


_PAYMENT_CODES = {
    "insufficient_quota",
    "billing_error",
    "billing_hard_limit_reached",
    "billing_not_active",
    "contract_spend_limit_reached",
    "enforced_spend_limit_reached",
    "linked_organization_billing_unavailable",
    "linked_organization_spend_limit_reached",
}
_PAYMENT_WORDS = ("credit balance is too low", "specified api usage limits", "insufficient credits")
_CONTEXT_CODES = {"context_length_exceeded", "request_too_large", "string_above_max_length"}
_CONTEXT_WORDS = re.compile(
    r"prompt is too long|input is too long|maximum context|context (length|window|size|limit)|reduce the length"
    r"|exceed\w* .{0,40}context|too many (input )?tokens"
)
_MODERATION_CODES = {"content_filter", "content_policy_violation", "moderation_blocked"}
_MODERATION_WORDS = re.compile(
    r"\bflagged\b|\bmoderation\b|content (management|filtering) policy|content policy|usage policies"
)
_BAD_KEY_WORDS = ("api key not valid", "invalid api key", "incorrect api key", "invalid x-api-key")
_BY_STATUS = {
    401: ErrorClass.AUTH,
    402: ErrorClass.PAYMENT,
    403: ErrorClass.AUTH,
    408: ErrorClass.TIMEOUT,
    409: ErrorClass.SERVER,
    413: ErrorClass.CONTEXT_LENGTH,
    425: ErrorClass.SERVER,
    429: ErrorClass.RATE_LIMITED,
    503: ErrorClass.OVERLOADED,
    529: ErrorClass.OVERLOADED,
}
_BY_FAULT = {
    Fault.TIMEOUT: ErrorClass.TIMEOUT,
    Fault.CONNECTION: ErrorClass.SERVER,
    Fault.MALFORMED: ErrorClass.SERVER,
}


def classify(facts: Facts) -> ErrorClass:
    """The one class of a failure. What the body says wins over the status, which providers use differently."""
    if facts.fault:
        return _BY_FAULT[facts.fault]
    said = _read(facts.body)
    status = said.status or facts.status or 0
    return _by_words(status, said) or _by_status(status, said)


def describe(facts: Facts) -> str:
    """The failure in the provider's words, cut to a length that a job's record can hold."""
    if facts.fault:
        return facts.fault.value
    said = _read(facts.body)
    status = said.status or facts.status
    return f"{status}: {said.message}"[:_LONGEST_MESSAGE] if said.message else f"status {status}"


def failure(route: str, facts: Facts) -> LLMError:
    """The error to raise for what is known of a failed call."""
    return LLMError(classify(facts), describe(facts), route=route, retry_after_s=facts.retry_after_s)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """What the other side asks us to wait, in seconds, from `retry-after-ms` or `retry-after` (a number or a date)."""
    try:
        if "retry-after-ms" in headers:
            wait = float(headers["retry-after-ms"]) / 1000
        else:
            wait = _seconds(headers.get("retry-after", ""), now)
    except (TypeError, ValueError):
        return None
    return min(wait, _LONGEST_WAIT_S) if wait >= 0 else None  # not for NaN either


def _seconds(text: str, now: datetime) -> float:
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", text):
        return float(text)
    moment = parsedate_to_datetime(text)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()


def _read(body: object) -> _Said:
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    if not isinstance(inner, Mapping):
        return _Said(str(inner or ""), frozenset(), None)
    details: Any = inner.get("details")
    codes = [inner.get("code"), inner.get("type"), inner.get("status")]
    if isinstance(details, Mapping):
        codes.append(details.get("error_code"))
    wrapped = inner.get("code")
    return _Said(
        str(inner.get("message") or ""),
        frozenset(code.lower() for code in codes if isinstance(code, str)),
        wrapped if isinstance(wrapped, int) and 400 <= wrapped <= 599 else None,
    )


def _by_words(status: int, said: _Said) -> ErrorClass | None:
    words = said.message.lower()
    if said.codes & _PAYMENT_CODES or any(phrase in words for phrase in _PAYMENT_WORDS):
        return ErrorClass.PAYMENT
    if said.codes & _MODERATION_CODES or (status in (400, 403) and _MODERATION_WORDS.search(words)):
        return ErrorClass.MODERATION
    if status in (400, 413, 422) and (said.codes & _CONTEXT_CODES or _CONTEXT_WORDS.search(words)):
        return ErrorClass.CONTEXT_LENGTH
    if any(phrase in words for phrase in _BAD_KEY_WORDS):
        return ErrorClass.AUTH
    return None


def _by_status(status: int, said: _Said) -> ErrorClass:
    if "overloaded_error" in said.codes:
        return ErrorClass.OVERLOADED
    if known := _BY_STATUS.get(status):
        return known
    # A status that is no error at all came with a body that says it is one.
    return ErrorClass.SERVER if status >= 500 or status < 300 else ErrorClass.INVALID_REQUEST
