"""Every failure of a provider, mapped once to a class (spec: LLM calls, error classes)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from backstay.errors import ErrorClass, WorkError
from backstay.llm.error_bodies import A_KEY, Said, read_body
from backstay.llm.remedies import remedy

_LONGEST_MESSAGE = 300
_LONGEST_WAIT_S = 86_400.0


class LLMError(WorkError):
    """A call that failed, or an answer that is not what was asked for."""

    def __init__(
        self,
        error_class: ErrorClass,
        message: str,
        *,
        route: str = "",
        retry_after_s: float | None = None,
        maybe_charged: bool = False,
        budget: str | None = None,
    ) -> None:
        text = f"{route}: {message}" if route else message
        super().__init__(error_class, text, retry_after_s=retry_after_s, budget=budget)
        self.route = route
        self.maybe_charged = maybe_charged
        """Whether the provider may have worked on it, and count its tokens."""


class NotConfigured(LLMError):  # noqa: N818 - a state of the deployment, not a fault of the call
    """No route has a provider with an API key. A job that can't do without waits until one is set up."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorClass.AUTH, message)


class Fault(StrEnum):
    """How a call failed that got no answer we could read."""

    TIMEOUT = "no whole answer in time"
    UNKNOWN_HOST = "its host name can't be resolved; check base_url and the network"
    NO_CONNECTION = "no connection could be made"
    NO_CONNECTION_YET = "no connection could be made in time"
    CONNECTION = "connection lost"
    ENDLESS = "the answer did not end within the size that an answer can have"
    NOT_JSON = "it answered with something that is no JSON, such as a web page; is base_url the API's address?"
    MALFORMED = "malformed answer: JSON that is cut off, or lacks what an answer has"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a failure: the HTTP status and body, or the fault where there was no such answer."""

    status: int | None = None
    body: object = None
    fault: Fault | None = None
    retry_after_s: float | None = None
    secrets: tuple[str, ...] = ()
    """What the request was let in by, which a body may quote."""


_CREDENTIALS = {"authorization", "x-api-key", "api-key"}
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
_PAYMENT_WORDS = (
    "credit balance is too low",
    "specified api usage limits",
    "insufficient credits",
    "insufficient balance",
    "key limit exceeded",
)
_CONTEXT_CODES = {"context_length_exceeded", "request_too_large", "string_above_max_length", "token_limit_exceeded"}
_CONTEXT_WORDS = re.compile(
    r"prompt is too long|prompt exceeds|input is too long|maximum context|context (length|window|size|limit)"
    r"|reduce the length|exceed\w* .{0,40}context|too many (input )?tokens"
)
_MODERATION_CODES = {
    "content_filter",
    "content_policy_violation",
    "moderation_blocked",
    "responsibleaipolicyviolation",
}
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
    424: ErrorClass.SERVER,
    425: ErrorClass.SERVER,
    429: ErrorClass.RATE_LIMITED,
    503: ErrorClass.OVERLOADED,
    529: ErrorClass.OVERLOADED,
}
_BY_CODE = {
    "overloaded_error": ErrorClass.OVERLOADED,
    "modelnotreadyexception": ErrorClass.OVERLOADED,
    "servicequotaexceededexception": ErrorClass.RATE_LIMITED,
    "throttlingexception": ErrorClass.RATE_LIMITED,
    "expiredtokenexception": ErrorClass.AUTH,
    "unrecognizedclientexception": ErrorClass.AUTH,
}
_NEVER_ASKED = frozenset({Fault.UNKNOWN_HOST, Fault.NO_CONNECTION, Fault.NO_CONNECTION_YET})
_CUT_BETWEEN = frozenset({408, 502, 504})
"""What stands between us and a provider gave up waiting for it; it may have gone on."""
_BY_FAULT = {
    Fault.TIMEOUT: ErrorClass.TIMEOUT,
    Fault.UNKNOWN_HOST: ErrorClass.SERVER,
    Fault.NO_CONNECTION: ErrorClass.SERVER,
    Fault.NO_CONNECTION_YET: ErrorClass.TIMEOUT,
    Fault.CONNECTION: ErrorClass.SERVER,
    Fault.ENDLESS: ErrorClass.SERVER,
    Fault.NOT_JSON: ErrorClass.SERVER,
    Fault.MALFORMED: ErrorClass.SERVER,
}


def classify(facts: Facts) -> ErrorClass:
    """The one class of a failure. What the body says wins over the status, which providers use differently."""
    if facts.fault:
        return _BY_FAULT[facts.fault]
    said = read_body(facts.body)
    status = said.status or facts.status or 0
    return _by_words(status, said) or _by_status(status, said)


def describe(facts: Facts) -> str:
    """The failure in the provider's words, cut to a length that a job's record can hold."""
    if facts.fault:
        return facts.fault.value
    said = read_body(facts.body)
    status, message = said.status or facts.status, said.message
    for secret in facts.secrets:
        message = message.replace(secret, A_KEY)
    return f"{status}: {message}"[:_LONGEST_MESSAGE] if message else f"status {status}"


def secrets_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that a request's headers carry."""
    carried = (value.rpartition(" ")[2] for name, value in headers.items() if name.lower() in _CREDENTIALS)
    return tuple(key for key in carried if key)


def failure(route: str, facts: Facts) -> LLMError:
    """The error to raise for what is known of a failed call: who failed, how, and what can be done about it."""
    error_class, said = classify(facts), read_body(facts.body)
    provider, _, model = route.partition("/")
    words = (describe(facts), remedy(error_class, provider, model, said.status or facts.status))
    wait = facts.retry_after_s if facts.retry_after_s is not None else said.retry_after_s
    charged = maybe_charged(facts)
    return LLMError(error_class, "; ".join(filter(None, words)), route=route, retry_after_s=wait, maybe_charged=charged)


def maybe_charged(facts: Facts) -> bool:
    """Whether a provider may count a call that failed so: not where it said no, or was never reached."""
    if facts.fault:
        return facts.fault not in _NEVER_ASKED
    return facts.status is None or facts.status < 400 or facts.status in _CUT_BETWEEN


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


def _by_words(status: int, said: Said) -> ErrorClass | None:
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


def _by_status(status: int, said: Said) -> ErrorClass:
    if (code := next(iter(_BY_CODE.keys() & said.codes), None)) is not None:
        return _BY_CODE[code]
    if known := _BY_STATUS.get(status):
        return known
    # A status that is no error at all came with a body that says it is one.
    return ErrorClass.SERVER if status >= 500 or status < 300 else ErrorClass.INVALID_REQUEST
