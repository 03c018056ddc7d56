"""Error bodies as providers send them, and the class that each becomes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from backstay.errors import Disposition, ErrorClass
from backstay.llm.errors import Facts, Fault, NotConfigured, classify, describe, failure, retry_after_s


def anthropic(kind: str, message: str, **details: str) -> dict[str, Any]:
    error: dict[str, Any] = {"type": kind, "message": message}
    if details:
        error["details"] = details
    return {"type": "error", "error": error, "request_id": "req_1"}


def openai(code: str | None, message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"message": message, "type": kind, "param": None, "code": code}  # the SDK unwraps "error"


def openrouter(code: int, message: str, raw: object = "", **metadata: Any) -> dict[str, Any]:
    return {"code": code, "message": message, "metadata": {"provider_name": "x", "raw": raw, **metadata}}


def azure(code: str | None, message: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "message": message, **more}


UPSTREAM_TOO_LONG = json.dumps(
    {"error": {"message": "This model's maximum context length is 262144 tokens.", "type": "Bad Request", "code": 400}}
)
UPSTREAM_QUOTA = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
FILTERED = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}}


BODIES = [
    (429, anthropic("rate_limit_error", "This request would exceed your organization's rate limit"), "rate_limited"),
    (529, anthropic("overloaded_error", "Overloaded"), "overloaded"),
    (500, anthropic("overloaded_error", "Overloaded"), "overloaded"),
    (500, anthropic("api_error", "Internal server error"), "server"),
    (504, anthropic("timeout_error", "Request timed out"), "server"),
    (408, anthropic("timeout_error", "Request timeout"), "timeout"),
    (401, anthropic("authentication_error", "invalid x-api-key"), "auth"),
    (403, anthropic("permission_error", "Your API key does not have permission to use the resource"), "auth"),
    (400, anthropic("invalid_request_error", "Your credit balance is too low to access the Anthropic API."), "payment"),
    (
        400,
        anthropic("invalid_request_error", "You have reached your specified API usage limits. You will regain access"),
        "payment",
    ),
    (402, anthropic("billing_error", "There is an issue with your billing"), "payment"),
    (429, anthropic("rate_limit_error", "Limit reached", error_code="enforced_spend_limit_reached"), "payment"),
    (
        400,
        anthropic("invalid_request_error", "prompt is too long: 216000 tokens > 200000 maximum"),
        "context_length",
    ),
    (
        400,
        anthropic("invalid_request_error", "input length and `max_tokens` exceed context limit: 199000 + 4096"),
        "context_length",
    ),
    (413, anthropic("request_too_large", "Request exceeds the maximum size"), "context_length"),
    (400, anthropic("invalid_request_error", "`temperature` is deprecated for this model."), "invalid_request"),
    (404, anthropic("not_found_error", "model: claude-nonesuch"), "invalid_request"),
    (400, anthropic("invalid_request_error", "Output blocked by content filtering policy"), "moderation"),
    (429, openai("rate_limit_exceeded", "Rate limit reached for gpt-5.6-luna", "tokens"), "rate_limited"),
    (429, openai("insufficient_quota", "You exceeded your current quota", "insufficient_quota"), "payment"),
    (401, openai("invalid_api_key", "Incorrect API key provided: sk-ab***yz."), "auth"),
    (403, openai("unsupported_country_region_territory", "Country not supported", "request_forbidden"), "auth"),
    (400, openai("context_length_exceeded", "This model's maximum context length is 128000 tokens."), "context_length"),
    (400, openai("string_above_max_length", "Invalid 'input': string too long."), "context_length"),
    (404, openai("model_not_found", "The model `gpt-9` does not exist"), "invalid_request"),
    (400, openai("content_policy_violation", "Your request was rejected by our safety system"), "moderation"),
    (400, openai("unsupported_value", "'temperature' does not support 0.3 with this model."), "invalid_request"),
    (500, openai(None, "The server had an error while processing your request", "server_error"), "server"),
    (503, openai(None, "The engine is currently overloaded", "server_error"), "overloaded"),
    (409, openai(None, "Conflict"), "server"),
    (402, openrouter(402, "Insufficient credits. Add more using https://openrouter.ai/credits"), "payment"),
    (403, openrouter(403, "Input was flagged by moderation"), "moderation"),
    (403, openrouter(403, "Forbidden", reasons=["violence"], flagged_input="…"), "moderation"),
    (403, openrouter(403, "Key limit exceeded (total limit). Manage it using openrouter.ai/settings/keys"), "payment"),
    (402, openrouter(402, "This request requires more credits, or fewer max_tokens."), "payment"),
    (401, openrouter(401, "No auth credentials found"), "auth"),
    (404, openrouter(404, "No endpoints found for meta-llama/nonesuch."), "invalid_request"),
    (400, openrouter(400, "This endpoint's maximum context length is 262000 tokens."), "context_length"),
    (400, openrouter(400, "Provider returned error", UPSTREAM_TOO_LONG), "context_length"),
    (429, openrouter(429, "Provider returned error", UPSTREAM_QUOTA), "payment"),
    (429, openrouter(429, "Provider returned error", "x is temporarily rate-limited upstream"), "rate_limited"),
    (200, openrouter(502, "Provider returned error"), "server"),
    (401, azure("401", "Access denied due to invalid subscription key or wrong API endpoint."), "auth"),
    (401, azure("PermissionDenied", "Principal does not have access to API/Operation."), "auth"),
    (404, azure("DeploymentNotFound", "The API deployment for this resource does not exist."), "invalid_request"),
    (404, azure("404", "Resource not found"), "invalid_request"),
    (
        429,
        azure("429", "Requests to the ChatCompletions_Create Operation have exceeded token rate limit"),
        "rate_limited",
    ),
    (429, azure("insufficient_quota", "You exceeded your current quota"), "payment"),
    (
        400,
        azure("content_filter", "The response was filtered due to the prompt triggering Azure's policy", status=400),
        "moderation",
    ),
    (400, azure(None, "The prompt was filtered", innererror=FILTERED), "moderation"),
    (400, azure("context_length_exceeded", "This model's maximum context length is 128000 tokens"), "context_length"),
    (503, azure("ServiceUnavailable", "The service is temporarily unable to process your request"), "overloaded"),
    (408, azure("Timeout", "The operation was timeout."), "timeout"),
    (500, azure("InternalServerError", "Internal server error"), "server"),
    (400, azure("BadRequest", "API version not supported"), "invalid_request"),
    (402, {"error": {"message": "Insufficient Balance", "code": "invalid_request_error"}}, "payment"),
    (400, {"error": {"code": "1261", "message": "Prompt exceeds max length"}}, "context_length"),
    (200, openrouter(429, "Rate limit exceeded: free-models-per-min"), "rate_limited"),
    (200, {"message": "something went wrong"}, "server"),
    (400, {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}, "auth"),
    (400, {"error": "the request exceeds the available context size, try increasing it"}, "context_length"),
    (502, "<html><body>Bad Gateway</body></html>", "server"),
    (500, None, "server"),
    (418, None, "invalid_request"),
    (307, None, "invalid_request"),
]


@pytest.mark.parametrize(("status", "body", "expected"), BODIES)
def test_an_error_body_becomes_its_class(status: int, body: object, expected: str) -> None:
    assert classify(Facts(status=status, body=body)) == expected


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.TIMEOUT, ErrorClass.TIMEOUT),
        (Fault.CONNECTION, ErrorClass.SERVER),
        (Fault.MALFORMED, ErrorClass.SERVER),
    ],
)
def test_a_call_without_an_answer_becomes_its_class(fault: Fault, expected: ErrorClass) -> None:
    assert classify(Facts(fault=fault)) is expected


@pytest.mark.parametrize("status", range(300, 600))
def test_every_status_has_a_class_without_any_body(status: int) -> None:
    assert isinstance(classify(Facts(status=status)), ErrorClass)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Wed, 25 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Wed, 25 Nov 2026 11:00:00 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after-ms": "nan"}, None),
        ({"retry-after": "99999999"}, 86_400.0),
    ],
)
def test_what_we_are_asked_to_wait_is_read_in_each_of_its_forms(headers: dict[str, str], expected: float) -> None:
    assert retry_after_s(headers, datetime(2026, 11, 25, 12, tzinfo=UTC)) == expected


def test_an_error_names_the_route_and_the_provider_s_words() -> None:
    error = failure("openai/gpt-5.6-luna", Facts(status=404, body=openai("model_not_found", "No such model")))
    assert str(error).startswith("openai/gpt-5.6-luna: 404: No such model; there is no model gpt-5.6-luna at openai")
    assert error.route == "openai/gpt-5.6-luna"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (Facts(401, openai("invalid_api_key", "Incorrect API key provided: sk-ab***yz.")), "backstay secrets set NAME"),
        (Facts(402, openrouter(402, "Insufficient credits")), "top up the credit"),
        (Facts(404, openai("model_not_found", "No such model")), "no model gpt-x at house for this account"),
        (Facts(400, openai("context_length_exceeded", "Too long")), "add a route to a model with a larger window"),
        (Facts(429, None), "lower [providers.house.limits]"),
        (Facts(400, openai("content_filter", "No")), "look at the job's input"),
        (Facts(fault=Fault.UNKNOWN_HOST), "can't be resolved; check base_url"),
        (Facts(fault=Fault.NOT_JSON), "is base_url the API's address?"),
        (Facts(fault=Fault.ENDLESS), "did not end within the size"),
        (Facts(fault=Fault.TIMEOUT), "no whole answer in time"),
    ],
)
def test_an_error_says_who_failed_and_what_to_do(facts: Facts, told: str) -> None:
    message = str(failure("house/gpt-x", facts))
    assert message.startswith("house/gpt-x: ")
    assert told in message


def test_a_key_that_a_provider_quotes_is_not_passed_on() -> None:
    said = describe(Facts(401, openai("invalid_api_key", "Incorrect API key provided: sk-proj-ab12***yz.")))
    assert "ab12" not in said
    assert "(a key)" in said


def test_what_a_gateway_s_upstream_asks_to_wait_counts() -> None:
    error = failure("openrouter/x", Facts(429, openrouter(429, "Provider returned error", retry_after_seconds=17)))
    assert error.failure.retry_after_s == 17


def test_a_provider_s_words_are_cut_to_what_a_record_can_hold() -> None:
    assert len(describe(Facts(status=400, body=openai(None, "x" * 10_000)))) == 300


def test_a_job_that_can_not_do_without_a_provider_waits_for_one() -> None:
    assert NotConfigured("none").failure.error_class.disposition is Disposition.PARK
