"""OpenAI's chat completions, and every server that speaks them."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from backstay.llm.errors import Facts, Fault, failure, retry_after_s
from backstay.llm.providers.transport import http_client, timeouts
from backstay.llm.request import Answer, Finish, Request, Usage

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

_BASE_URL = "https://api.openai.com/v1"
_NO_KEY = "none"  # the SDK refuses to start without one
_FINISHES = {
    "stop": Finish.COMPLETE,
    "length": Finish.TRUNCATED,
    "content_filter": Finish.REFUSED,
}
_WITH_TEMPERATURE = re.compile(r"(chatgpt-4|gpt-[34])")


class OpenAIProvider:
    """Calls under one API key, to OpenAI or, as `compatible`, to another server."""

    def __init__(
        self, name: str, api_key: str, base_url: str | None, *, compatible: bool, http: httpx2.Client | None = None
    ) -> None:
        self._name, self._compatible = name, compatible
        self._client = openai.OpenAI(
            api_key=api_key or _NO_KEY,
            base_url=base_url or _BASE_URL,
            max_retries=0,
            http_client=http or http_client(),
        )

    def ask(self, request: Request, model: str, timeout_s: float) -> Answer:
        """One call, one try.

        Raises:
            LLMError: there is no answer.
        """
        parameters = _parameters(request, model, compatible=self._compatible)
        try:
            completion = self._client.chat.completions.create(**parameters, timeout=timeouts(timeout_s))
        except (openai.OpenAIError, httpx2.HTTPError, ValueError) as error:
            raise failure(f"{self._name}/{model}", facts_of(error)) from error
        try:
            if said := _error_inside(completion):
                raise failure(f"{self._name}/{model}", Facts(status=200, body=said))
            return _answer(completion)
        except (AttributeError, IndexError, TypeError) as error:  # the SDK passes on what it can't read
            raise failure(f"{self._name}/{model}", Facts(fault=Fault.MALFORMED)) from error


def facts_of(error: Exception) -> Facts:
    """What the SDK's exception tells. What is neither a status nor the network is an answer that can't be read."""
    if isinstance(error, openai.APIStatusError):
        wait = retry_after_s(error.response.headers, datetime.now(UTC))
        return Facts(status=error.status_code, body=error.body, retry_after_s=wait)
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        return Facts(fault=Fault.TIMEOUT)
    if isinstance(error, openai.APIConnectionError | httpx2.TransportError):
        return Facts(fault=Fault.CONNECTION)
    return Facts(fault=Fault.MALFORMED)


def _parameters(request: Request, model: str, *, compatible: bool) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "model": model,
        "messages": [{"role": turn.role, "content": turn.content} for turn in request.messages],
    }
    if compatible:
        parameters |= {"max_tokens": request.max_output_tokens, "temperature": request.temperature}
    elif _WITH_TEMPERATURE.match(model):
        parameters |= {"max_completion_tokens": request.max_output_tokens, "temperature": request.temperature}
    else:  # the models that reason: no temperature, and what they reason counts towards the limit
        parameters |= {"max_completion_tokens": request.max_output_tokens, "reasoning_effort": "low"}
    if request.form:
        form = {"name": request.form.name, "schema": request.form.strict_schema, "strict": True}
        parameters["response_format"] = {"type": "json_schema", "json_schema": form}
    return parameters


def _error_inside(completion: "ChatCompletion") -> object:
    """The error that a gateway put into an answer of status 200, or None."""
    return None if completion.choices else (completion.model_extra or {}).get("error")


def _answer(completion: "ChatCompletion") -> Answer:
    choice, usage = completion.choices[0], completion.usage
    details = usage.prompt_tokens_details if usage else None
    refusal = choice.message.refusal
    return Answer(
        text=choice.message.content or "",
        finish=Finish.REFUSED if refusal else _FINISHES.get(choice.finish_reason or "", Finish.UNKNOWN),
        usage=Usage(
            input_tokens=usage.prompt_tokens if usage else 0,
            output_tokens=usage.completion_tokens if usage else 0,
            cached_tokens=(details and details.cached_tokens) or 0,
        ),
        detail=refusal or str(choice.finish_reason),
    )
