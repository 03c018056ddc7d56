"""Anthropic's Messages API."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2

from backstay.llm.errors import Facts, Fault, failure, retry_after_s
from backstay.llm.providers.transport import http_client, timeouts
from backstay.llm.request import Answer, Finish, Form, Request, Usage

if TYPE_CHECKING:
    from anthropic.types import Message

_BASE_URL = "https://api.anthropic.com"
_FINISHES = {
    "end_turn": Finish.COMPLETE,
    "stop_sequence": Finish.COMPLETE,
    "tool_use": Finish.COMPLETE,
    "max_tokens": Finish.TRUNCATED,
    "model_context_window_exceeded": Finish.CONTEXT_FULL,
    "refusal": Finish.REFUSED,
}
_MODEL = re.compile(r"claude-(?P<family>[a-z]+)-(?P<major>\d+)(?:-(?P<minor>\d{1,2}))?(?!\d)")


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model accepts, by Anthropic's pages on thinking and on each model (November 2026)."""

    temperature: bool
    forced_tool: bool
    """Else it is held to a schema by its structured output."""
    thinking_off: str | None
    """What to send so that no output tokens go into thinking first; None where nothing needs be sent or would help."""


def traits_of(model: str) -> Traits:
    """What a model accepts; one that we have never heard of is taken to be like the newest."""
    found = _MODEL.match(model)
    if not found:
        early = model.startswith(("claude-2", "claude-3", "claude-instant"))
        return Traits(temperature=early, forced_tool=early, thinking_off=None)
    family, version = found["family"], (int(found["major"]), int(found["minor"] or 0))
    always_thinks = family not in ("haiku", "sonnet", "opus") or (family == "opus" and version >= (5, 5))
    thinking_off = None
    if version >= (5, 0) and not always_thinks:
        thinking_off = "between_tools" if family == "sonnet" and version >= (5, 5) else "disabled"
    return Traits(
        temperature=version < (4, 7) and not always_thinks,
        forced_tool=not always_thinks and not (family == "sonnet" and version >= (5, 5)),
        thinking_off=thinking_off,
    )


class AnthropicProvider:
    """Calls under one API key."""

    def __init__(self, name: str, api_key: str, base_url: str | None, http: httpx2.Client | None = None) -> None:
        self._name = name
        self._client = anthropic.Anthropic(
            api_key=api_key, base_url=base_url or _BASE_URL, max_retries=0, http_client=http or http_client()
        )

    def ask(self, request: Request, model: str, timeout_s: float) -> Answer:
        """One call, one try.

        Raises:
            LLMError: there is no answer.
        """
        parameters = _parameters(request, model)
        try:
            message = self._client.messages.create(**parameters, timeout=timeouts(timeout_s))
        except (anthropic.AnthropicError, httpx2.HTTPError, ValueError) as error:
            raise failure(f"{self._name}/{model}", facts_of(error)) from error
        try:
            return _answer(message, request.form)
        except (AttributeError, TypeError, ValueError) as error:  # the SDK passes on what it can't read
            raise failure(f"{self._name}/{model}", Facts(fault=Fault.MALFORMED)) from error


def facts_of(error: Exception) -> Facts:
    """What the SDK's exception tells. What is neither a status nor the network is an answer that can't be read."""
    if isinstance(error, anthropic.APIStatusError):
        wait = retry_after_s(error.response.headers, datetime.now(UTC))
        return Facts(status=error.status_code, body=error.body, retry_after_s=wait)
    if isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException):
        return Facts(fault=Fault.TIMEOUT)
    if isinstance(error, anthropic.APIConnectionError | httpx2.TransportError):
        return Facts(fault=Fault.CONNECTION)
    return Facts(fault=Fault.MALFORMED)


def _parameters(request: Request, model: str) -> dict[str, Any]:
    traits = traits_of(model)
    turns = [{"role": turn.role, "content": turn.content} for turn in request.messages if turn.role != "system"]
    parameters: dict[str, Any] = {"model": model, "max_tokens": request.max_output_tokens, "messages": turns}
    if system := "\n\n".join(turn.content for turn in request.messages if turn.role == "system"):
        parameters["system"] = system
    if traits.temperature:
        parameters["extra_body"] = {"temperature": min(1.0, request.temperature)}  # the SDK dropped the argument
    if traits.thinking_off:
        parameters["thinking"] = {"type": traits.thinking_off}
    return parameters | (_form_parameters(request.form, traits) if request.form else {})


def _form_parameters(form: Form, traits: Traits) -> dict[str, Any]:
    if not traits.forced_tool:
        return {"output_config": {"format": {"type": "json_schema", "schema": form.bare_schema}}}
    tool = {"name": form.name, "description": form.description, "input_schema": form.schema}
    return {
        "tools": [tool],
        "tool_choice": {"type": "tool", "name": form.name, "disable_parallel_tool_use": True},
    }


def _answer(message: "Message", form: Form | None) -> Answer:
    blocks = message.content
    filled = [block.input for block in blocks if block.type == "tool_use"] if form else []
    text = json.dumps(filled[0]) if filled else "".join(block.text for block in blocks if block.type == "text")
    usage = message.usage
    cached, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    details = message.stop_details
    return Answer(
        text=text,
        finish=_FINISHES.get(message.stop_reason or "", Finish.UNKNOWN),
        usage=Usage(
            input_tokens=usage.input_tokens + cached + written,  # Anthropic counts what is cached apart
            output_tokens=usage.output_tokens,
            cached_tokens=cached,
            cache_write_tokens=written,
        ),
        detail=(details and details.explanation) or str(message.stop_reason),
    )
