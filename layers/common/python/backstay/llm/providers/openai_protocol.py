"""Chat completions as OpenAI's SDK speaks them; what the servers that answer them differ in comes as arguments."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from backstay.llm.errors import Facts, Fault, failure, retry_after_s
from backstay.llm.providers.transport import fault_of, timeouts
from backstay.llm.request import Answer, Finish, Request, Usage

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

Parameters = Callable[[Request, str], dict[str, Any]]
"""What to send for a request to a model, beside messages and form."""

_FINISHES = {
    "stop": Finish.COMPLETE,
    "length": Finish.TRUNCATED,
    "content_filter": Finish.REFUSED,
}


class ChatCompletions:
    """Calls through one client of the SDK."""

    def __init__(self, name: str, client: openai.OpenAI, parameters: Parameters) -> None:
        self._name, self._client, self._parameters = name, client, parameters

    def ask(self, request: Request, model: str, timeout_s: float) -> Answer:
        """One call, one try.

        Raises:
            LLMError: there is no answer.
        """
        route = f"{self._name}/{model}"
        asked = _asked(request) | self._parameters(request, model)
        try:
            completion = self._client.chat.completions.create(**asked, timeout=timeouts(timeout_s))
        except (openai.OpenAIError, httpx2.HTTPError, ValueError) as error:
            raise failure(route, facts_of(error)) from None  # the SDK's own words quote the whole body
        if isinstance(completion, str):  # the SDK passes on what is no JSON
            raise failure(route, Facts(fault=Fault.NOT_JSON))
        try:
            if said := _error_inside(completion):
                raise failure(route, Facts(status=200, body=said))
            return _answer(completion)
        except (AttributeError, IndexError, TypeError) as error:  # nor does it look into what is
            raise failure(route, Facts(fault=Fault.MALFORMED)) from error


def facts_of(error: Exception) -> Facts:
    """What the SDK's exception tells."""
    if isinstance(error, openai.APIStatusError):
        wait = retry_after_s(error.response.headers, datetime.now(UTC))
        return Facts(status=error.status_code, body=error.body, retry_after_s=wait)
    return Facts(fault=fault_of(error))


def limits_that_all_know(request: Request, model: str) -> dict[str, Any]:
    """For servers that take every model's words alike."""
    return {"model": model, "max_tokens": request.max_output_tokens, "temperature": request.temperature}


def _asked(request: Request) -> dict[str, Any]:
    asked: dict[str, Any] = {"messages": [{"role": turn.role, "content": turn.content} for turn in request.messages]}
    if request.form:
        form = {"name": request.form.name, "schema": request.form.strict_schema, "strict": True}
        asked["response_format"] = {"type": "json_schema", "json_schema": form}
    return asked


def _error_inside(completion: "ChatCompletion") -> object:
    """The error that a gateway put into an answer of status 200, or into its choice, or None."""
    if said := (completion.model_extra or {}).get("error"):
        return said
    return (completion.choices[0].model_extra or {}).get("error") if completion.choices else None


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
