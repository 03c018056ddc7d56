"""Calls of language models: one function, typed. Importing it costs next to nothing; a first call loads an SDK."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar, overload

from backstay.llm.context import Conversation, Document
from backstay.llm.errors import LLMError, NotConfigured
from backstay.llm.request import Message
from backstay.llm.use import CachePolicy

if TYPE_CHECKING:
    from pydantic import BaseModel

    from backstay.llm.completion import Question, Reply

__all__ = [
    "CachePolicy",
    "Conversation",
    "Document",
    "LLMError",
    "Message",
    "NotConfigured",
    "ask",
    "complete",
]

T = TypeVar("T", bound="BaseModel")


@overload
def complete(
    prompt: str | Sequence[Message] | Conversation,
    *,
    output: type[T],
    routes: Sequence[str] | None = None,
    max_output_tokens: int = 1024,
    temperature: float = 0.3,
    cache: CachePolicy | bool | None = None,
) -> T: ...


@overload
def complete(
    prompt: str | Sequence[Message] | Conversation,
    *,
    output: None = None,
    routes: Sequence[str] | None = None,
    max_output_tokens: int = 1024,
    temperature: float = 0.3,
    cache: CachePolicy | bool | None = None,
) -> str: ...


def complete(
    prompt: str | Sequence[Message] | Conversation,
    *,
    output: type[T] | None = None,
    routes: Sequence[str] | None = None,
    max_output_tokens: int = 1024,
    temperature: float = 0.3,
    cache: CachePolicy | bool | None = None,
) -> T | str:
    """Ask a model, and add what it cost to the receipt of the job that is running.

    Args:
        prompt: the user's words, or messages that end with them, or a chat that is shrunk where a window is too small.
        output: what the answer must be; the provider is held to its schema and the answer is validated.
        routes: `provider/model`, in order; by default the task's, or those of `[routes]` in backstay.toml.
        max_output_tokens: where the answer is cut off, which is an error. A model that thinks does so within it.
        temperature: 0 to 2; not sent to models that refuse it.
        cache: False asks in any case; else an answer that the same question of the same tenant and task was given in
            the last minutes is given again. By default as the task says.

    Raises:
        NotConfigured: none of the routes has a provider with an API key.
        LLMError: no route gave an answer, or none that is what was asked for; its class says what follows.
    """
    question = _question(prompt, routes, max_output_tokens, temperature, cache)
    from backstay.llm.completion import reply_in_form, reply_in_text

    return reply_in_text(question).value if output is None else reply_in_form(question, output).value


@overload
def ask(
    prompt: str | Sequence[Message] | Conversation,
    *,
    output: type[T],
    routes: Sequence[str] | None = None,
    max_output_tokens: int = 1024,
    temperature: float = 0.3,
    cache: CachePolicy | bool | None = None,
) -> "Reply[T]": ...


@overload
def ask(
    prompt: str | Sequence[Message] | Conversation,
    *,
    output: None = None,
    routes: Sequence[str] | None = None,
    max_output_tokens: int = 1024,
    temperature: float = 0.3,
    cache: CachePolicy | bool | None = None,
) -> "Reply[str]": ...


def ask(
    prompt: str | Sequence[Message] | Conversation,
    *,
    output: type[T] | None = None,
    routes: Sequence[str] | None = None,
    max_output_tokens: int = 1024,
    temperature: float = 0.3,
    cache: CachePolicy | bool | None = None,
) -> "Reply[T] | Reply[str]":
    """As `complete`, and tells what the answer took: its calls, their tokens, and whether it came from the cache."""
    question = _question(prompt, routes, max_output_tokens, temperature, cache)
    from backstay.llm.completion import reply_in_form, reply_in_text

    return reply_in_text(question) if output is None else reply_in_form(question, output)


def _question(
    prompt: str | Sequence[Message] | Conversation,
    routes: Sequence[str] | None,
    max_output_tokens: int,
    temperature: float,
    cache: CachePolicy | bool | None,  # noqa: FBT001 - what callers write as a keyword
) -> "Question":
    from backstay.llm.completion import Question
    from backstay.llm.request import Request

    match prompt:
        case str():
            sizes: tuple[tuple[Message, ...], ...] = ((Message("user", prompt),),)
        case Conversation():
            sizes = prompt.sizes()
        case _:
            sizes = (tuple(prompt),)
    request = Request(sizes[0], max_output_tokens=max_output_tokens, temperature=temperature)
    return Question(request, sizes, routes, cache)
