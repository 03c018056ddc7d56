"""What goes to a provider and what comes back, in words that belong to none of them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

_AROUND_A_MESSAGE = 16
"""Tokens that providers put around each message: role, beginning and end; OpenAI's cookbook counts 3 or 4."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Form:
    """What an answer must be: a JSON schema and its name, which providers show to the model."""

    name: str
    description: str
    schema: Mapping[str, Any]
    strict_schema: Mapping[str, Any]
    """For providers that hold the model to it, with the keywords that OpenAI knows."""
    bare_schema: Mapping[str, Any]
    """For providers that hold the model to it, with the keywords that Anthropic knows."""
    most_tokens: int = 0
    """That telling a model of it can take."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model. Without a form the answer is text."""

    messages: tuple[Message, ...]
    form: Form | None = None
    max_output_tokens: int = 1024
    temperature: float = 0.3

    @property
    def most_input_tokens(self) -> int:
        """The most that it can take on the way in. No tokenizer makes more tokens than bytes."""
        said = sum(len(message.content.encode()) + _AROUND_A_MESSAGE for message in self.messages)
        return said + (self.form.most_tokens if self.form else 0)

    @property
    def most_tokens(self) -> int:
        """The most that it can take of a provider's limit, in and out."""
        return self.most_input_tokens + self.max_output_tokens

    def digest(self) -> str:
        """A hash of all that shapes the answer, whoever gives it."""
        parts = (
            [(message.role, message.content) for message in self.messages],
            self.form.schema if self.form else None,
            self.max_output_tokens,
            self.temperature,
        )
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class Finish(StrEnum):
    """Why a model stopped."""

    COMPLETE = "complete"
    TRUNCATED = "truncated"
    """At the limit of output tokens."""
    CONTEXT_FULL = "context_full"
    """At the end of the model's context window."""
    REFUSED = "refused"
    """By the model, or by a filter before or behind it."""
    UNKNOWN = "unknown"
    """For no reason that we know, or with none given."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `input_tokens` counts all of the input, cached or not."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    """Written into the provider's cache; `cache_write_1h_tokens` of them for an hour, the others for minutes."""
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    """Of the output, not shown and paid for like the rest of it."""
    service: str = ""
    """The provider's class of service where it is not the usual one: `batch`, `flex` or `priority`."""
    charged_usd: Decimal | None = None
    """What the provider itself says that it charges."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered: text, or JSON where a form was asked for."""

    text: str
    finish: Finish
    usage: Usage
    detail: str = ""
    """What the provider said of a refusal, or the finish reason that we don't know."""
