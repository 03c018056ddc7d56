"""One question along its routes, over real sockets against llmock."""

import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from llmock.pytest_plugin import LLMock
from llmock.scenarios import Reply
from pydantic import BaseModel, Field, model_validator

from backstay import config, llm
from backstay.errors import ErrorClass
from backstay.llm.complexity import Tier
from backstay.llm.use import ModelUse
from backstay.receipt import FailedRoute
from backstay.running import Job

CLAUDE, GPT, HOUSE = "anthropic/claude-haiku-5-5", "openai/gpt-5.6-luna", "house/tiny"


class Point(BaseModel):
    x: float = Field(ge=0, le=10)


def models(server: LLMock) -> list[str | None]:
    return [request.model for request in server.requests]


@pytest.mark.parametrize("status", [401, 402, 408, 429, 500, 503, 529])
def test_the_next_route_answers_where_one_fails(providers: LLMock, job: Job, status: int) -> None:
    providers.fail(status)
    assert llm.complete("Hello")
    assert models(providers) == ["claude-haiku-5-5", "gpt-5.6-luna"]
    assert [call.provider for call in job.calls] == ["openai"]
    assert [one.route for one in job.calls[0].failed_over_from] == [CLAUDE]


def test_the_receipt_tells_whom_a_call_stands_in_for_and_why(providers: LLMock, job: Job) -> None:
    providers.fail(500).fail(402)
    llm.complete("Hello", routes=[CLAUDE, GPT, HOUSE])
    llm.complete("Hello again")
    failed = (FailedRoute(CLAUDE, "server"), FailedRoute(GPT, "payment"))
    assert [(call.provider, call.failed_over_from) for call in job.calls] == [("house", failed), ("anthropic", ())]


@pytest.mark.parametrize("status", [400, 404, 422])
def test_what_is_wrong_with_the_request_is_not_asked_of_others(providers: LLMock, status: int) -> None:
    providers.fail(status)
    with pytest.raises(llm.LLMError) as caught:
        llm.complete("Hello")
    assert caught.value.failure.error_class is ErrorClass.INVALID_REQUEST
    assert len(providers.requests) == 1


def test_a_refusal_is_not_asked_of_others(providers: LLMock) -> None:
    providers.add(Reply(text="", finish_reason="content_filter"))
    with pytest.raises(llm.LLMError) as caught:
        llm.complete("Hello")
    assert caught.value.failure.error_class is ErrorClass.MODERATION
    assert len(providers.requests) == 1


def test_a_model_that_nobody_has_priced_is_passed_over(providers: LLMock, job: Job) -> None:
    llm.complete("Hello", routes=["house/nobody-knows-it", GPT])
    assert models(providers) == ["gpt-5.6-luna"]


def test_each_route_is_called_once_and_the_job_waits_for_the_first_that_may_be_usable(providers: LLMock) -> None:
    providers.rate_limit(retry_after=40).rate_limit(retry_after=7)
    with pytest.raises(llm.LLMError, match=r"openai/gpt-5\.6-luna: .*no other route helped: anthropic/") as caught:
        llm.complete("Hello")
    assert caught.value.failure.error_class is ErrorClass.RATE_LIMITED
    assert caught.value.failure.retry_after_s == 7
    assert len(providers.requests) == 2


def test_an_answer_whose_repair_is_turned_away_costs_an_attempt_and_the_next_run_asks_anew(
    providers: LLMock, job: Job
) -> None:
    class Fussy(BaseModel):
        @model_validator(mode="before")
        @classmethod
        def refuse(cls, answer: object) -> object:
            providers.rate_limit(retry_after=7)
            raise ValueError("not to its taste")

    with pytest.raises(llm.LLMError, match=r"does not fit its model.*not repaired: openai/") as caught:
        llm.complete("Where?", output=Fussy, routes=[GPT])
    assert caught.value.failure.error_class is ErrorClass.INVALID_OUTPUT
    assert caught.value.failure.retry_after_s == 7
    assert len(job.calls) == 1, "it was paid for"
    llm.complete("Where?", routes=[HOUSE])
    assert [len(request.body["messages"]) for request in providers.requests] == [1, 3, 1]


def test_an_empty_answer_is_none(providers: LLMock, job: Job) -> None:
    providers.reply("  ").reply("Good morning")
    assert llm.complete("Hello") == "Good morning"
    assert len(job.calls) == 2, "both were paid for"


def test_an_answer_that_can_not_be_mended_is_asked_of_the_next_route(providers: LLMock, job: Job) -> None:
    providers.call_tool("Point", {"x": -1}).call_tool("Point", {"x": -2}).reply('{"x": 3}')
    assert llm.complete("Where?", output=Point) == Point(x=3)
    assert models(providers) == ["claude-haiku-5-5", "claude-haiku-5-5", "gpt-5.6-luna"]


def test_a_question_is_mended_once_whatever_the_number_of_routes(providers: LLMock) -> None:
    providers.call_tool("Point", {"x": -1}).call_tool("Point", {"x": -2}).reply('{"x": -3}')
    with pytest.raises(llm.LLMError) as caught:
        llm.complete("Where?", output=Point)
    assert caught.value.failure.error_class is ErrorClass.INVALID_OUTPUT
    assert len(providers.requests) == 3


def test_a_primary_that_hangs_leaves_the_failover_its_time(providers: LLMock, job: Job) -> None:
    for route in config.load().routes.default:
        llm.complete("Warm up", routes=[route])
    providers.delay(12)
    job.deadline = time.monotonic() + 2 + 7
    assert llm.complete("Hello"), "within the job's time"
    assert job.calls[-1].provider == "openai"


def test_a_chat_that_is_too_long_is_shrunk_and_asked_again(providers: LLMock) -> None:
    chat = llm.Conversation("Be kind.", [llm.Document("A", "word " * 500)], [], "Now?")
    providers.fail(400, code="context_length_exceeded", message="prompt is too long", times=2)
    assert llm.complete(chat)
    sent = [len(str(request.body)) for request in providers.requests]
    assert models(providers) == ["claude-haiku-5-5"] * 3
    assert sent == sorted(sent, reverse=True)


def test_a_prompt_that_can_not_shrink_goes_to_a_route_with_a_larger_window_or_fails(
    windows: LLMock,
) -> None:
    windows.fail(400, code="context_length_exceeded", message="prompt is too long")
    assert llm.complete("Hello", routes=["house/small", "house/smaller", "house/large"])
    assert models(windows) == ["small", "large"]
    windows.fail(400, code="context_length_exceeded", message="prompt is too long")
    with pytest.raises(llm.LLMError) as caught:
        llm.complete("Hello", routes=["house/small", "house/smaller"])
    assert caught.value.failure.error_class is ErrorClass.CONTEXT_LENGTH


def test_a_chat_that_can_be_seen_to_be_too_long_is_shrunk_before_it_is_sent(windows: LLMock) -> None:
    chat = llm.Conversation("Be kind.", [llm.Document("A", "word " * 900)], [], "Now?")
    assert llm.complete(chat, routes=["house/small"], max_output_tokens=10)
    assert models(windows) == ["small"]
    assert len(str(windows.requests[0].body)) < 1_500


def test_routes_are_the_call_s_then_the_task_s_by_tier_then_the_file_s(windows: LLMock, job: Job) -> None:
    job.model_use = ModelUse(("house/small",), {Tier.HIGH: ("house/large",)}, cache=None)
    llm.complete("Hello")
    llm.complete("personalization of a dynamic template")
    llm.complete("personalization of a dynamic template", routes=["house/smaller"])
    job.model_use = ModelUse(cache=None)
    llm.complete("a template")
    llm.complete("Hello")
    assert models(windows) == ["small", "large", "smaller", "medium", "large"]


def test_ask_tells_what_the_answer_took(providers: LLMock, job: Job) -> None:
    reply = llm.ask("Hello", routes=[HOUSE])
    assert reply.value
    assert not reply.cached
    assert (reply.input_tokens, reply.output_tokens) == (job.calls[0].input_tokens, job.calls[0].output_tokens)
    assert reply.calls[0].cost_usd == Decimal(reply.input_tokens)


@pytest.fixture
def windows(configure: Callable[[str], None], llmock: LLMock) -> LLMock:
    """One server with models of several windows, and a route for prompts of medium complexity."""
    sizes = {"small": 1_000, "smaller": 500, "medium": 2_000, "large": 100_000}
    prices = "".join(f'[prices."house/{model}"]\ninput = 0\noutput = 0\n' for model in sizes)
    configure(
        f'[providers.house]\nkind = "compatible"\nbase_url = "{llmock.base_url("openai")}"\n{prices}'
        '[routes]\ndefault = ["house/large"]\n[routes.tiers]\nmedium = ["house/medium"]\n[context_windows]\n'
        + "".join(f'"house/{model}" = {tokens}\n' for model, tokens in sizes.items())
    )
    return llmock
