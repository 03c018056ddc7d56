"""Anthropic's Messages API."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2

from backstay.config import ProviderSettings
from backstay.llm.errors import Facts, Fault, failure, retry_after_s, secrets_of
from backstay.llm.providers.claude import Traits, traits_of
from backstay.llm.providers.transport import fault_of, http_client, timeouts
from backstay.llm.request import Answer, Finish, Form, Request, Usage

if TYPE_CHECKING:
    from anthropic.types import Message
    from anthropic.types import Usage as CountedByThem

_BASE_URL = "https://api.anthropic.com"
_FINISHES = {
    "end_turn": Finish.COMPLETE,
    "stop_sequence": Finish.COMPLETE,
    "tool_use": Finish.COMPLETE,
    "max_tokens": Finish.TRUNCATED,
    "model_context_window_exceeded": Finish.CONTEXT_FULL,
    "refusal": Finish.REFUSED,
}


def open_anthropic(
    name: str, settings: ProviderSettings, api_key: str, http: httpx2.Client | None = None
) -> "AnthropicProvider":
    """Anthropic under one API key."""
    base_url = settings.base_url or _BASE_URL
    client = anthropic.Anthropic(api_key=api_key, base_url=base_url, max_retries=0, http_client=http or http_client())
    return AnthropicProvider(name, client)


class AnthropicProvider:
    """Calls through one client of the SDK."""

    def __init__(self, name: str, client: anthropic.Anthropic) -> None:
        self._name, self._client = name, client

    def ask(self, request: Request, model: str, timeout_s: float) -> Answer:
        """One call, one try.

        Raises:
            LLMError: there is no answer.
        """
        parameters = _parameters(request, model)
        try:
            message = self._client.messages.create(**parameters, timeout=timeouts(timeout_s))
        except (anthropic.AnthropicError, httpx2.HTTPError, ValueError) as error:
            raise failure(
                f"{self._name}/{model}", facts_of(error)
            ) from None  # the SDK's own words quote the whole body
        if isinstance(message, str):  # the SDK passes on what is no JSON
            raise failure(f"{self._name}/{model}", Facts(fault=Fault.NOT_JSON))
        try:
            return _answer(message, request.form)
        except (AttributeError, TypeError, ValueError) as error:  # nor does it look into what is
            raise failure(f"{self._name}/{model}", Facts(fault=Fault.MALFORMED)) from error


def facts_of(error: Exception) -> Facts:
    """What the SDK's exception tells."""
    if isinstance(error, anthropic.APIStatusError):
        wait = retry_after_s(error.response.headers, datetime.now(UTC))
        secrets = secrets_of(error.request.headers)
        return Facts(status=error.status_code, body=error.body, retry_after_s=wait, secrets=secrets)
    return Facts(fault=fault_of(error))


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
    details = message.stop_details
    return Answer(
        text=text,
        finish=_FINISHES.get(message.stop_reason or "", Finish.UNKNOWN),
        usage=_usage(message.usage),
        detail=(details and details.explanation) or str(message.stop_reason),
    )


def _usage(told: "CountedByThem") -> Usage:
    cached, written = told.cache_read_input_tokens or 0, told.cache_creation_input_tokens or 0
    return Usage(
        input_tokens=told.input_tokens + cached + written,  # Anthropic counts what is cached apart
        output_tokens=told.output_tokens,
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=told.cache_creation.ephemeral_1h_input_tokens if told.cache_creation else 0,
        reasoning_tokens=told.output_tokens_details.thinking_tokens if told.output_tokens_details else 0,
        service="" if told.service_tier in (None, "standard") else told.service_tier,
    )
