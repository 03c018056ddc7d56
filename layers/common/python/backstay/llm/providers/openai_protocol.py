"""Chat completions as OpenAI's SDK speaks them; what the servers that answer them differ in comes as arguments."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from backstay.llm.errors import Facts, Fault, failure, retry_after_s, secrets_of
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
_USUAL_SERVICE = (None, "auto", "default", "scale")


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
                raise failure(route, Facts(status=200, body=said, secrets=(self._client.api_key,)))
            return _answer(completion)
        except (AttributeError, IndexError, TypeError) as error:  # nor does it look into what is
            raise failure(route, Facts(fault=Fault.MALFORMED)) from error


def facts_of(error: Exception) -> Facts:
    """What the SDK's exception tells."""
    if isinstance(error, openai.APIStatusError):
        wait = retry_after_s(error.response.headers, datetime.now(UTC))
        secrets = secrets_of(error.request.headers)
        return Facts(status=error.status_code, body=error.body, retry_after_s=wait, secrets=secrets)
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
    choice = completion.choices[0]
    refusal = choice.message.refusal
    return Answer(
        text=choice.message.content or "",
        finish=Finish.REFUSED if refusal else _FINISHES.get(choice.finish_reason or "", Finish.UNKNOWN),
        usage=_usage(completion),
        detail=refusal or str(choice.finish_reason),
    )


def _usage(completion: "ChatCompletion") -> Usage:
    told = completion.usage
    if told is None:
        return Usage(0, 0)
    read, written = told.prompt_tokens_details, told.completion_tokens_details
    reasoning = (written and written.reasoning_tokens) or 0
    # OpenAI counts reasoning among the completion's tokens; xAI, for one, beside them.
    is_apart = told.total_tokens == told.prompt_tokens + told.completion_tokens + reasoning
    return Usage(
        input_tokens=told.prompt_tokens,
        output_tokens=told.completion_tokens + (reasoning if is_apart else 0),
        cached_tokens=(read and read.cached_tokens) or 0,
        cache_write_tokens=(read and read.cache_write_tokens) or 0,
        reasoning_tokens=reasoning,
        service="" if completion.service_tier in _USUAL_SERVICE else str(completion.service_tier),
        charged_usd=_charged(told.model_extra or {}),
    )


def _charged(told: Mapping[str, Any]) -> Decimal | None:
    """What OpenRouter says that a call cost: its own charge, and where one brings a key, the provider's own too."""
    charges = [told.get("cost")]
    if told.get("is_byok"):
        charges.append((told.get("cost_details") or {}).get("upstream_inference_cost"))
    amounts = [Decimal(str(charge)) for charge in charges if _is_amount(charge)]
    return sum(amounts, Decimal(0)) if len(amounts) == len(charges) else None


def _is_amount(told: object) -> bool:
    return isinstance(told, int | float) and not isinstance(told, bool) and told >= 0
