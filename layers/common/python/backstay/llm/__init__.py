"""Calls of language models: one function, typed. Importing it costs next to nothing; a first call loads an SDK."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar, overload

from backstay.llm.errors import LLMError, NotConfigured
from backstay.llm.request import Message

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["LLMError", "Message", "NotConfigured", "complete"]

T = TypeVar("T", bound="BaseModel")


@overload
def complete(
    prompt: str | Sequence[Message],
    *,
    output: type[T],
    routes: Sequence[str] | None = None,
    max_output_tokens: int = 1024,
    temperature: float = 0.3,
) -> T: ...


@overload
def complete(
    prompt: str | Sequence[Message],
    *,
    output: None = None,
    routes: Sequence[str] | None = None,
    max_output_tokens: int = 1024,
    temperature: float = 0.3,
) -> str: ...


def complete(
    prompt: str | Sequence[Message],
    *,
    output: type[T] | None = None,
    routes: Sequence[str] | None = None,
    max_output_tokens: int = 1024,
    temperature: float = 0.3,
) -> T | str:
    """Ask a model, and add what it cost to the receipt of the job that is running.

    Args:
        prompt: the user's words, or a conversation that ends with them.
        output: what the answer must be; the provider is held to its schema and the answer is validated.
        routes: `provider/model`, in order; by default those of `[routes]` in backstay.toml.
        max_output_tokens: where the answer is cut off, which is an error. A model that thinks does so within it.
        temperature: 0 to 2; not sent to models that refuse it.

    Raises:
        NotConfigured: none of the routes has a provider with an API key.
        LLMError: the call failed, or the answer is not what was asked for; its class says what follows.
    """
    from backstay.llm.completion import answer_request, answer_text
    from backstay.llm.request import Request

    messages = (Message("user", prompt),) if isinstance(prompt, str) else tuple(prompt)
    request = Request(messages, max_output_tokens=max_output_tokens, temperature=temperature)
    return answer_text(request, routes) if output is None else answer_request(request, output, routes)
