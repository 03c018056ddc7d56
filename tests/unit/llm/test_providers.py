"""What goes over the wire to each provider, and what becomes of the answers that go wrong there."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel, Field

from backstay.config import ProviderSettings
from backstay.errors import ErrorClass
from backstay.llm.completion import form_of
from backstay.llm.errors import LLMError
from backstay.llm.providers import Provider
from backstay.llm.providers.anthropic import open_anthropic
from backstay.llm.providers.claude import Traits, traits_of
from backstay.llm.providers.compatible import open_compatible
from backstay.llm.providers.openai import open_openai
from backstay.llm.providers.transport import DeadlineTransport
from backstay.llm.request import Finish, Message, Request, Usage

ASK = Request((Message("system", "Be brief."), Message("user", "Hello")), max_output_tokens=50, temperature=1.5)

Respond = Callable[[httpx2.Request], httpx2.Response]


class Point(BaseModel):
    x: float = Field(le=10)


def http(respond: Respond) -> httpx2.Client:
    return httpx2.Client(transport=DeadlineTransport(httpx2.MockTransport(respond)))


def anthropic(respond: Respond) -> Provider:
    return open_anthropic("anthropic", ProviderSettings(kind="anthropic", secret="s"), "hush-hush", http(respond))


def openai(respond: Respond) -> Provider:
    return open_openai("openai", ProviderSettings(kind="openai", secret="s"), "hush-hush", http(respond))


def compatible(respond: Respond) -> Provider:
    settings = ProviderSettings(kind="compatible", base_url="http://house.test/v1")
    return open_compatible("house", settings, "hush-hush", http(respond))


def message(**changes: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 2},
    } | changes


def completion(**changes: Any) -> dict[str, Any]:
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
    } | changes


class Recorder:
    """Answers every request with one body and keeps what was sent."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer, self.sent, self.headers = answer, {}, httpx2.Headers()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.sent, self.headers = json.loads(request.content), request.headers
        return httpx2.Response(200, json=self.answer)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-3-5-haiku-20241022", Traits(temperature=True, forced_tool=True, thinking_off=None)),
        ("claude-sonnet-4-20250514", Traits(temperature=True, forced_tool=True, thinking_off=None)),
        ("claude-haiku-4-5-20251001", Traits(temperature=True, forced_tool=True, thinking_off=None)),
        ("claude-sonnet-4-6", Traits(temperature=True, forced_tool=True, thinking_off=None)),
        ("claude-opus-4-8", Traits(temperature=False, forced_tool=True, thinking_off=None)),
        ("claude-sonnet-5", Traits(temperature=False, forced_tool=True, thinking_off="disabled")),
        ("claude-opus-5", Traits(temperature=False, forced_tool=True, thinking_off="disabled")),
        ("claude-haiku-5-5", Traits(temperature=False, forced_tool=True, thinking_off="disabled")),
        ("claude-haiku-5-5-20261007", Traits(temperature=False, forced_tool=True, thinking_off="disabled")),
        ("claude-sonnet-5-5", Traits(temperature=False, forced_tool=False, thinking_off="between_tools")),
        ("claude-opus-5-5", Traits(temperature=False, forced_tool=False, thinking_off=None)),
        ("claude-fable-5-1", Traits(temperature=False, forced_tool=False, thinking_off=None)),
        ("something-new", Traits(temperature=False, forced_tool=False, thinking_off=None)),
    ],
)
def test_what_an_anthropic_model_accepts_is_known_by_its_name(model: str, expected: Traits) -> None:
    assert traits_of(model) == expected


def test_anthropic_gets_the_system_prompt_apart_and_no_temperature_where_it_is_refused() -> None:
    wire = Recorder(message())
    answer = anthropic(wire).ask(ASK, "claude-haiku-5-5", 5)
    assert wire.sent == {
        "model": "claude-haiku-5-5",
        "max_tokens": 50,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hello"}],
        "thinking": {"type": "disabled"},
    }
    assert wire.headers["authorization"] == "Bearer hush-hush"
    assert answer.text == "Hi"


def test_anthropic_gets_a_temperature_of_its_own_scale_where_the_model_takes_one() -> None:
    wire = Recorder(message())
    anthropic(wire).ask(ASK, "claude-sonnet-4-6", 5)
    assert wire.sent["temperature"] == 1.0


def test_anthropic_fills_a_form_by_a_forced_tool() -> None:
    called = {"type": "tool_use", "id": "t", "name": "Point", "input": {"x": 3}}
    wire = Recorder(message(content=[{"type": "text", "text": "Well: "}, called], stop_reason="tool_use"))
    answer = anthropic(wire).ask(replace(ASK, form=form_of(Point)), "claude-haiku-5-5", 5)
    assert json.loads(answer.text) == {"x": 3}
    assert wire.sent["tool_choice"] == {"type": "tool", "name": "Point", "disable_parallel_tool_use": True}
    assert wire.sent["tools"][0]["input_schema"] == Point.model_json_schema()


def test_anthropic_fills_a_form_by_structured_output_where_tools_can_not_be_forced() -> None:
    thought = {"type": "thinking", "thinking": "", "signature": "s"}
    wire = Recorder(message(content=[thought, {"type": "text", "text": '{"x": 3}'}]))
    answer = anthropic(wire).ask(replace(ASK, form=form_of(Point)), "claude-opus-5-5", 5)
    assert answer.text == '{"x": 3}'
    assert "tools" not in wire.sent
    schema = wire.sent["output_config"]["format"]["schema"]
    assert schema["additionalProperties"] is False
    assert "maximum" not in schema["properties"]["x"]


def test_anthropic_s_cached_tokens_count_as_input_too() -> None:
    counted = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 1000,
        "output_tokens": 2,
    }
    answer = anthropic(Recorder(message(usage=counted))).ask(ASK, "claude-haiku-5-5", 5)
    assert answer.usage == Usage(input_tokens=1110, output_tokens=2, cached_tokens=100, cache_write_tokens=1000)


def test_openai_s_cached_tokens_are_part_of_its_input() -> None:
    counted = {
        "prompt_tokens": 110,
        "completion_tokens": 2,
        "total_tokens": 112,
        "prompt_tokens_details": {"cached_tokens": 100},
    }
    answer = openai(Recorder(completion(usage=counted))).ask(ASK, "gpt-5.6-luna", 5)
    assert answer.usage == Usage(input_tokens=110, output_tokens=2, cached_tokens=100)


def test_reasoning_that_a_server_counts_beside_the_completion_is_paid_for_as_output() -> None:
    counted = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 420,
        "completion_tokens_details": {"reasoning_tokens": 300},
    }
    usage = compatible(Recorder(completion(usage=counted))).ask(ASK, "grok", 5).usage
    assert usage == Usage(input_tokens=100, output_tokens=320, reasoning_tokens=300)
    usage = compatible(Recorder(completion(usage=counted | {"total_tokens": 120}))).ask(ASK, "gpt", 5).usage
    assert usage.output_tokens == 20


@pytest.mark.parametrize("cost", [None, "0.1", -1, True, {}])
def test_a_charge_that_is_no_amount_is_not_believed(cost: object) -> None:
    counted = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": cost}
    assert compatible(Recorder(completion(usage=counted))).ask(ASK, "m", 5).usage.charged_usd is None


def test_openai_s_reasoning_models_get_no_temperature() -> None:
    wire = Recorder(completion())
    openai(wire).ask(ASK, "gpt-5.6-luna", 5)
    assert "temperature" not in wire.sent
    assert wire.sent["max_completion_tokens"] == 50
    assert wire.sent["service_tier"] == "default", "a project may have a dearer one, and that is not what was reserved"
    assert wire.sent["reasoning_effort"] == "low"


def test_openai_s_older_models_get_one() -> None:
    wire = Recorder(completion())
    openai(wire).ask(ASK, "gpt-4o-mini", 5)
    assert wire.sent["temperature"] == 1.5
    assert "reasoning_effort" not in wire.sent


def test_a_compatible_server_gets_what_all_of_them_know() -> None:
    wire = Recorder(completion())
    compatible(wire).ask(ASK, "llama-3.1-8b", 5)
    assert wire.sent["max_tokens"] == 50
    assert wire.sent["temperature"] == 1.5
    assert wire.headers["authorization"] == "Bearer hush-hush"


def test_openai_fills_a_form_by_a_strict_schema() -> None:
    wire = Recorder(completion())
    openai(wire).ask(replace(ASK, form=form_of(Point)), "gpt-5.6-luna", 5)
    held = wire.sent["response_format"]["json_schema"]
    assert held["strict"] is True
    assert held["schema"]["additionalProperties"] is False


def test_a_refusal_of_openai_s_is_one_whatever_its_finish_reason() -> None:
    said = {"role": "assistant", "content": None, "refusal": "I can't help with that."}
    choices = [{"index": 0, "finish_reason": "stop", "message": said}]
    answer = openai(Recorder(completion(choices=choices))).ask(ASK, "gpt-5.6-luna", 5)
    assert answer.finish is Finish.REFUSED
    assert answer.detail == "I can't help with that."


def test_a_refusal_of_anthropic_s_says_why() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "Looks like malware."}
    answer = anthropic(Recorder(message(content=[], stop_reason="refusal", stop_details=details))).ask(
        ASK, "claude-haiku-5-5", 5
    )
    assert answer.finish is Finish.REFUSED
    assert answer.detail == "Looks like malware."


def test_an_error_that_a_gateway_sends_as_a_success_is_one() -> None:
    body = {"error": {"code": 429, "message": "Rate limit exceeded"}}
    with pytest.raises(LLMError) as caught:
        compatible(Recorder(body)).ask(ASK, "x", 5)
    assert caught.value.failure.error_class is ErrorClass.RATE_LIMITED


BROKEN: list[tuple[Respond, ErrorClass]] = [
    (lambda _: httpx2.Response(200, text="<html>maintenance</html>"), ErrorClass.SERVER),
    (lambda _: httpx2.Response(200, text="{", headers={"content-type": "application/json"}), ErrorClass.SERVER),
    (lambda _: httpx2.Response(200, json={}), ErrorClass.SERVER),
    (lambda _: httpx2.Response(200, json=[]), ErrorClass.SERVER),
    (lambda _: httpx2.Response(200, json={"choices": [], "content": None}), ErrorClass.SERVER),
    (lambda _: httpx2.Response(502, text="Bad Gateway"), ErrorClass.SERVER),
    (lambda _: httpx2.Response(307, headers={"location": "https://elsewhere.example/"}), ErrorClass.INVALID_REQUEST),
]


def lost(error: type[httpx2.TransportError]) -> Respond:
    def respond(request: httpx2.Request) -> httpx2.Response:
        raise error("gone", request=request)

    return respond


BROKEN += [
    (lost(httpx2.ConnectError), ErrorClass.SERVER),
    (lost(httpx2.RemoteProtocolError), ErrorClass.SERVER),
    (lost(httpx2.ReadError), ErrorClass.SERVER),
    (lost(httpx2.ConnectTimeout), ErrorClass.TIMEOUT),
    (lost(httpx2.ReadTimeout), ErrorClass.TIMEOUT),
    (lost(httpx2.PoolTimeout), ErrorClass.TIMEOUT),
]
NEVER_ASKED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@pytest.mark.parametrize(("respond", "expected"), BROKEN)
def test_a_broken_answer_has_a_class_with_either_sdk(respond: Respond, expected: ErrorClass) -> None:
    for ask in (
        lambda: anthropic(respond).ask(ASK, "claude-haiku-5-5", 5),
        lambda: openai(respond).ask(ASK, "gpt-5.6-luna", 5),
    ):
        with pytest.raises(LLMError) as caught:
            ask()
        assert caught.value.failure.error_class is expected


@pytest.mark.parametrize(
    ("respond", "charged"),
    [
        *((lost(error), False) for error in NEVER_ASKED),
        *((lost(error), True) for error in (httpx2.ReadError, httpx2.ReadTimeout, httpx2.RemoteProtocolError)),
        *((lambda _, status=status: httpx2.Response(status), False) for status in (400, 401, 429, 500, 503, 529)),
        *((lambda _, status=status: httpx2.Response(status), True) for status in (408, 502, 504)),
        (lambda _: httpx2.Response(200, text="<html>"), True),
    ],
)
def test_a_failed_call_tells_whether_it_may_have_been_charged(respond: Respond, *, charged: bool) -> None:
    for ask in (
        lambda: anthropic(respond).ask(ASK, "claude-haiku-5-5", 5),
        lambda: openai(respond).ask(ASK, "gpt-5.6-luna", 5),
    ):
        with pytest.raises(LLMError) as caught:
            ask()
        assert caught.value.maybe_charged is charged


def test_an_answer_that_only_trickles_ends_at_the_deadline_all_the_same() -> None:
    class Trickle(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(3000):
                time.sleep(0.02)
                yield b" "

    began = time.monotonic()
    with pytest.raises(LLMError) as caught:
        openai(lambda _: httpx2.Response(200, stream=Trickle())).ask(ASK, "gpt-5.6-luna", 0.3)
    assert caught.value.failure.error_class is ErrorClass.TIMEOUT
    assert time.monotonic() - began < 30, "it trickles for a minute"


def test_a_key_never_stands_in_what_an_error_says_or_shows() -> None:
    with pytest.raises(LLMError) as caught:
        anthropic(lambda _: httpx2.Response(401, json={"error": {"message": "bad"}})).ask(ASK, "claude-haiku-5-5", 5)
    assert "hush" not in repr(caught.value)
