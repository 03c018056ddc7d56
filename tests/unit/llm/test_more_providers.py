"""OpenRouter, Azure and Bedrock: what goes over the wire, and what comes back."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from backstay.config import ProviderSettings
from backstay.errors import ErrorClass
from backstay.llm.completion import form_of
from backstay.llm.errors import LLMError
from backstay.llm.providers import Provider
from backstay.llm.providers.azure import open_azure
from backstay.llm.providers.bedrock import open_bedrock
from backstay.llm.providers.openrouter import open_openrouter
from backstay.llm.providers.transport import DeadlineTransport
from backstay.llm.request import Answer, Finish, Message, Request, Usage

ASK = Request((Message("system", "Be brief."), Message("user", "Hello")), max_output_tokens=50, temperature=0.5)
HAIKU = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"

Respond = Callable[[httpx2.Request], httpx2.Response]


class Point(BaseModel):
    x: float


class Wire:
    """Answers with one document, and remembers what it was sent."""

    def __init__(self, document: object, status: int = 200, **headers: str) -> None:
        self._document, self._status, self._headers = document, status, headers
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return httpx2.Response(self._status, json=self._document, headers=self._headers)

    @property
    def sent(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.requests[-1].content)
        return document


def http(respond: Respond) -> httpx2.Client:
    return httpx2.Client(transport=DeadlineTransport(httpx2.MockTransport(respond)))


def openrouter(respond: Respond) -> Provider:
    settings = ProviderSettings(kind="openrouter", secret="s", referer="https://news.example", title="Newsroom")
    return open_openrouter("openrouter", settings, "hush", http(respond))


def azure(respond: Respond) -> Provider:
    settings = ProviderSettings(
        kind="azure",
        secret="s",
        base_url="https://west.openai.azure.com",
        api_version="2025-04-01-preview",
        deployments={"gpt-5.6-luna": "our-luna"},
    )
    return open_azure("azure", settings, "hush", http(respond))


def bedrock(respond: Respond, *regions: str, key: str = "hush") -> Provider:
    settings = ProviderSettings(kind="bedrock", regions=regions or ("eu-central-1",))
    return open_bedrock("bedrock", settings, key, http(respond))


def completion(**changes: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    made = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return made | changes


def converse(*blocks: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": list(blocks) or [{"text": "Hi"}]}},
        "stopReason": stop,
        "usage": {"inputTokens": 10, "outputTokens": 2, "totalTokens": 112, "cacheReadInputTokens": 100},
    }


def failing(provider: Provider, model: str = "m") -> LLMError:
    with pytest.raises(LLMError) as caught:
        provider.ask(ASK, model, 5)
    return caught.value


def test_openrouter_is_told_who_calls() -> None:
    wire = Wire(completion())
    assert openrouter(wire).ask(ASK, "anthropic/claude-haiku-5.5", 5).text == "Hi"
    assert str(wire.requests[0].url) == "https://openrouter.ai/api/v1/chat/completions"
    assert wire.requests[0].headers["http-referer"] == "https://news.example"
    assert wire.requests[0].headers["x-title"] == "Newsroom"
    assert wire.sent["model"] == "anthropic/claude-haiku-5.5"
    assert wire.sent["max_tokens"] == 50


@pytest.mark.parametrize(
    ("document", "status", "expected"),
    [
        ({"error": {"code": 429, "message": "Rate limit exceeded"}}, 200, ErrorClass.RATE_LIMITED),
        ({"error": {"code": 502, "message": "Provider returned error"}}, 200, ErrorClass.SERVER),
        (completion(error={"code": 503, "message": "No available provider"}), 200, ErrorClass.OVERLOADED),
        ({"error": {"code": 402, "message": "Insufficient credits"}}, 402, ErrorClass.PAYMENT),
    ],
)
def test_openrouter_s_errors_are_classed_by_the_inner_code(document: object, status: int, expected: ErrorClass) -> None:
    assert failing(openrouter(Wire(document, status))).failure.error_class is expected


def test_an_error_inside_openrouter_s_choice_is_one() -> None:
    error = {"code": 529, "message": "Overloaded"}
    message = {"role": "assistant", "content": "Hal"}
    choices = [{"index": 0, "finish_reason": "error", "message": message, "error": error}]
    assert failing(openrouter(Wire(completion(choices=choices)))).failure.error_class is ErrorClass.OVERLOADED


def test_openrouter_s_upstream_is_waited_for_as_it_asks() -> None:
    metadata = {"raw": "x is temporarily rate-limited upstream", "retry_after_seconds": 17, "provider_name": "Venice"}
    body = {"error": {"message": "Provider returned error", "code": 429, "metadata": metadata}}
    failure = failing(openrouter(Wire(body, 429))).failure
    assert (failure.error_class, failure.retry_after_s) == (ErrorClass.RATE_LIMITED, 17)
    assert "rate-limited upstream" in failure.message


def test_azure_is_asked_by_deployment_and_version() -> None:
    wire = Wire(completion())
    azure(wire).ask(ASK, "gpt-5.6-luna", 5)
    url = wire.requests[0].url
    assert (url.host, url.path) == ("west.openai.azure.com", "/openai/deployments/our-luna/chat/completions")
    assert url.params["api-version"] == "2025-04-01-preview"
    assert wire.requests[0].headers["api-key"] == "hush"
    assert wire.sent["reasoning_effort"] == "low"


def test_azure_s_deployment_may_have_the_model_s_name() -> None:
    wire = Wire(completion())
    azure(wire).ask(ASK, "gpt-4o", 5)
    assert wire.requests[0].url.path == "/openai/deployments/gpt-4o/chat/completions"


def test_bedrock_answers_text() -> None:
    wire = Wire(converse())
    answer = bedrock(wire).ask(ASK, HAIKU, 5)
    assert answer == Answer("Hi", Finish.COMPLETE, Usage(110, 2, cached_tokens=100), "end_turn")
    request = wire.requests[0]
    assert request.url.raw_path == b"/model/eu.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"
    assert request.headers["authorization"] == "Bearer hush"
    assert wire.sent == {
        "system": [{"text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
        "inferenceConfig": {"maxTokens": 50, "temperature": 0.5},
    }


def test_bedrock_s_newest_models_get_no_temperature_and_do_not_think_first() -> None:
    wire = Wire(converse())
    bedrock(wire).ask(ASK, "global.anthropic.claude-haiku-5-5", 5)
    assert wire.sent["inferenceConfig"] == {"maxTokens": 50}
    assert wire.sent["additionalModelRequestFields"] == {"thinking": {"type": "disabled"}}


@pytest.mark.parametrize("model", [HAIKU, "us.amazon.nova-lite-v1:0"])
def test_bedrock_fills_a_form_by_a_forced_tool(model: str) -> None:
    wire = Wire(converse({"toolUse": {"toolUseId": "t", "name": "Point", "input": {"x": 3}}}, stop="tool_use"))
    answer = bedrock(wire).ask(replace(ASK, form=form_of(Point)), model, 5)
    assert json.loads(answer.text) == {"x": 3}
    assert wire.sent["toolConfig"]["toolChoice"] == {"tool": {"name": "Point"}}


def test_bedrock_fills_a_form_by_a_schema_where_tools_can_not_be_forced() -> None:
    wire = Wire(converse({"text": '{"x": 3}'}))
    assert bedrock(wire).ask(replace(ASK, form=form_of(Point)), "openai.gpt-oss-120b-1:0", 5).text == '{"x": 3}'
    held = wire.sent["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert json.loads(held["schema"])["properties"]["x"] == {"title": "X", "type": "number"}


def test_bedrock_is_called_under_the_function_s_role_where_it_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from backstay import aws

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    aws.forget_clients()
    wire = Wire(converse())
    bedrock(wire, "eu-west-1", key="").ask(ASK, HAIKU, 5)
    aws.forget_clients()
    signed = wire.requests[0].headers
    assert signed["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIATEST/")
    assert "/eu-west-1/bedrock/aws4_request" in signed["authorization"]
    assert signed["x-amz-security-token"] == "session"


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ("max_tokens", Finish.TRUNCATED),
        ("content_filtered", Finish.REFUSED),
        ("guardrail_intervened", Finish.REFUSED),
        ("model_context_window_exceeded", Finish.CONTEXT_FULL),
        ("malformed_model_output", Finish.UNKNOWN),
    ],
)
def test_bedrock_s_reasons_to_stop_are_ours(stop: str, expected: Finish) -> None:
    assert bedrock(Wire(converse(stop=stop))).ask(ASK, HAIKU, 5).finish is expected


class Regions:
    """Regions of which some are down."""

    def __init__(self, **statuses: int) -> None:
        self._statuses = {name.replace("_", "-"): status for name, status in statuses.items()}
        self.asked: list[str] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        region = request.url.host.split(".")[1]
        self.asked.append(region)
        status = self._statuses.get(region, 200)
        return httpx2.Response(status, json=converse() if status == 200 else {"message": "no"})


@pytest.mark.parametrize("status", [429, 500, 503])
def test_bedrock_s_next_region_is_asked_where_one_is_overloaded_or_down(status: int) -> None:
    regions = Regions(eu_central_1=status)
    provider = bedrock(regions, "eu-central-1", "eu-west-1")
    provider.ask(ASK, HAIKU, 5)
    assert regions.asked == ["eu-central-1", "eu-west-1"]
    provider.ask(ASK, HAIKU, 5)
    assert regions.asked[2:] == ["eu-west-1"], "the one that failed is asked last for a while"


def test_bedrock_s_next_region_is_not_asked_what_the_first_refused() -> None:
    regions = Regions(eu_central_1=400)
    assert failing(bedrock(regions, "eu-central-1", "eu-west-1"), HAIKU).failure.error_class == "invalid_request"
    assert regions.asked == ["eu-central-1"]


@pytest.mark.parametrize("status", [408, 504])
def test_bedrock_s_next_region_is_not_asked_where_the_first_may_have_charged_for_the_call(status: int) -> None:
    regions = Regions(eu_central_1=status)
    provider = bedrock(regions, "eu-central-1", "eu-west-1")
    assert failing(provider, HAIKU).maybe_charged
    assert regions.asked == ["eu-central-1"], "money is reserved for one call"
    provider.ask(ASK, HAIKU, 5)
    assert regions.asked[1:] == ["eu-west-1"], "but the next call goes there"


def test_bedrock_s_last_region_says_how_the_call_failed() -> None:
    regions = Regions(eu_central_1=503, eu_west_1=429)
    assert failing(bedrock(regions, "eu-central-1", "eu-west-1"), HAIKU).failure.error_class == "rate_limited"


@pytest.mark.parametrize(
    ("kind", "status", "message", "expected"),
    [
        ("ThrottlingException", 429, "Too many tokens, please wait before trying again.", "rate_limited"),
        ("ServiceQuotaExceededException", 400, "Your request exceeds the service quota.", "rate_limited"),
        ("ModelNotReadyException", 429, "The model is not ready.", "overloaded"),
        ("ServiceUnavailableException", 503, "Bedrock is unable to process your request.", "overloaded"),
        ("InternalServerException", 500, "The system encountered an error.", "server"),
        ("ModelErrorException", 424, "The model failed.", "server"),
        ("ModelTimeoutException", 408, "Model has timed out in processing the request.", "timeout"),
        ("ValidationException", 400, "Input is too long for requested model.", "context_length"),
        (
            "ValidationException",
            400,
            "The model returned the following errors: prompt is too long: 200049 tokens > 200000 maximum",
            "context_length",
        ),
        (
            "ValidationException",
            400,
            "The model returned the following errors: input length and `max_tokens` exceed context limit: 1 + 2 > 2",
            "context_length",
        ),
        (
            "ValidationException",
            400,
            "The maximum tokens you requested exceeds the model limit of 4096.",
            "invalid_request",
        ),
        ("ValidationException", 400, "The provided model identifier is invalid.", "invalid_request"),
        ("ResourceNotFoundException", 404, "Could not resolve the foundation model.", "invalid_request"),
        ("AccessDeniedException", 403, "You don't have access to the model with the specified model ID.", "auth"),
        ("UnrecognizedClientException", 403, "The security token included in the request is invalid.", "auth"),
        ("ExpiredTokenException", 400, "The security token included in the request is expired", "auth"),
    ],
)
def test_bedrock_s_errors_become_their_class(kind: str, status: int, message: str, expected: str) -> None:
    wire = Wire({"message": message}, status, **{"x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/"})
    failure = failing(bedrock(wire), HAIKU).failure
    assert failure.error_class == expected
    assert failure.message.startswith(f"bedrock/{HAIKU}: {status}: {message[:50]}")


@pytest.mark.parametrize("document", [{}, [], {"output": None}, {"output": {"message": {"content": []}}}])
def test_bedrock_s_half_an_answer_is_none(document: object) -> None:
    assert failing(bedrock(Wire(document)), HAIKU).failure.error_class is ErrorClass.SERVER
