"""`llm.complete` over real sockets against llmock."""

import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from llmock.pytest_plugin import LLMock
from llmock.scenarios import Reply
from pydantic import BaseModel, Field

from backstay import aws, llm
from backstay.errors import ErrorClass
from backstay.llm.api_keys import FRESH_S, ApiKeys
from backstay.receipt import Receipt
from backstay.running import CallLog, Job, current_job

ROUTES = ("anthropic/claude-haiku-5-5", "anthropic/claude-sonnet-4-6", "openai/gpt-5.6-luna", "house/tiny")
OPENAI = ["openai/gpt-5.6-luna"]
HOUSE = ["house/tiny"]


class Point(BaseModel):
    x: float = Field(ge=0, le=10)
    label: str = Field(max_length=40)


@pytest.mark.parametrize("route", ROUTES)
def test_a_text_is_answered_by_every_kind_of_provider(providers: LLMock, job: Job, route: str) -> None:
    answer = llm.complete("Say something.", routes=[route])
    assert isinstance(answer, str)
    assert answer
    (call,) = job.calls
    assert f"{call.provider}/{call.model}" == route
    assert call.input_tokens > 0
    assert call.output_tokens > 0


@pytest.mark.parametrize("route", ROUTES)
def test_a_model_is_answered_as_that_model(providers: LLMock, route: str) -> None:
    assert isinstance(llm.complete("Where?", output=Point, routes=[route]), Point)


def test_without_routes_of_its_own_a_call_takes_the_first_of_the_file(providers: LLMock, job: Job) -> None:
    llm.complete("Hello")
    assert job.calls[0].model == "claude-haiku-5-5"
    assert job.calls[0].price_version.startswith("genai-prices ")
    assert job.calls[0].cost_usd is not None
    assert job.calls[0].cost_usd > 0


def test_a_price_of_the_file_wins_and_is_exact(providers: LLMock, job: Job) -> None:
    llm.complete("Hello", routes=HOUSE)
    assert job.calls[0].cost_usd == Decimal(job.calls[0].input_tokens)
    assert job.calls[0].price_version == "backstay.toml"


def test_a_model_that_nobody_has_priced_is_not_called(providers: LLMock, job: Job) -> None:
    with pytest.raises(llm.LLMError, match=r'add \[prices\."house/nobody-knows-it"\]') as caught:
        llm.complete("Hello", routes=["house/nobody-knows-it"])
    assert caught.value.failure.error_class is ErrorClass.UNPRICED
    assert providers.requests == []


def test_the_key_is_the_secret_without_its_line_end(providers: LLMock) -> None:
    llm.complete("Hello", routes=OPENAI)
    assert providers.last_request.model == "gpt-5.6-luna"


def test_a_provider_without_a_secret_is_passed_over(providers: LLMock, job: Job) -> None:
    aws.secretsmanager().delete_secret(SecretId="backstay/test/provider/anthropic", ForceDeleteWithoutRecovery=True)
    llm.complete("Hello")
    assert job.calls[0].provider == "openai"


def test_a_secret_that_waits_for_its_deletion_is_none(providers: LLMock, job: Job) -> None:
    aws.secretsmanager().delete_secret(SecretId="backstay/test/provider/anthropic")
    llm.complete("Hello")
    assert job.calls[0].provider == "openai"


def test_no_provider_at_all_is_told_as_not_configured(configure: Callable[[str], None]) -> None:
    configure("")
    with pytest.raises(llm.NotConfigured, match="no routes are given"):
        llm.complete("Hello")


def test_not_configured_says_of_each_route_what_it_lacks(providers: LLMock) -> None:
    aws.secretsmanager().delete_secret(SecretId="backstay/test/provider/openai", ForceDeleteWithoutRecovery=True)
    with pytest.raises(llm.NotConfigured, match=r"no secret 'provider/openai'.*no \[providers\.azure\]"):
        llm.complete("Hello", routes=[*OPENAI, "azure/gpt"])


def test_an_answer_that_does_not_fit_is_repaired_once(providers: LLMock, job: Job) -> None:
    providers.reply('{"x": 11, "label": "too far"}').reply('{"x": 10, "label": "mended"}')
    assert llm.complete("Where?", output=Point, routes=OPENAI) == Point(x=10, label="mended")
    assert len(job.calls) == 2
    assert len(providers.requests) == 2


def test_a_tool_call_that_does_not_fit_is_repaired_once(providers: LLMock, job: Job) -> None:
    providers.call_tool("Point", {"x": -1, "label": ""}).call_tool("Point", {"x": 1, "label": ""})
    assert llm.complete("Where?", output=Point).x == 1
    assert len(job.calls) == 2


def test_an_answer_that_does_not_fit_after_the_repair_is_an_invalid_output(providers: LLMock, job: Job) -> None:
    providers.reply("no JSON, my secret words", times=2)
    with pytest.raises(llm.LLMError, match="Invalid JSON") as caught:
        llm.complete("Where?", output=Point, routes=OPENAI)
    assert caught.value.failure.error_class is ErrorClass.INVALID_OUTPUT
    assert "secret words" not in str(caught.value)
    assert len(job.calls) == 2


@pytest.mark.parametrize("route", ["anthropic/claude-haiku-5-5", "openai/gpt-5.6-luna"])
def test_a_truncated_answer_is_an_error_though_it_could_be_read(providers: LLMock, job: Job, route: str) -> None:
    providers.add(Reply(text='{"x": 1, "label": "a"}', finish_reason="length"))
    with pytest.raises(llm.LLMError, match="cut off at 77 tokens") as caught:
        llm.complete("Where?", output=Point, routes=[route], max_output_tokens=77)
    assert caught.value.failure.error_class is ErrorClass.INVALID_OUTPUT
    assert len(job.calls) == 1, "it was paid for"


@pytest.mark.parametrize("route", ["anthropic/claude-haiku-5-5", "openai/gpt-5.6-luna"])
@pytest.mark.parametrize(
    ("finish", "expected"),
    [("content_filter", ErrorClass.MODERATION), ("out_of_paper", ErrorClass.SERVER)],
)
def test_the_finish_reason_is_checked(providers: LLMock, route: str, finish: str, expected: ErrorClass) -> None:
    providers.add(Reply(text="half", finish_reason=finish))
    with pytest.raises(llm.LLMError) as caught:
        llm.complete("Hello", routes=[route])
    assert caught.value.failure.error_class is expected


@pytest.mark.parametrize("route", ["anthropic/claude-haiku-5-5", "openai/gpt-5.6-luna"])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ErrorClass.INVALID_REQUEST),
        (401, ErrorClass.AUTH),
        (402, ErrorClass.PAYMENT),
        (403, ErrorClass.AUTH),
        (404, ErrorClass.INVALID_REQUEST),
        (408, ErrorClass.TIMEOUT),
        (413, ErrorClass.CONTEXT_LENGTH),
        (422, ErrorClass.INVALID_REQUEST),
        (429, ErrorClass.RATE_LIMITED),
        (500, ErrorClass.SERVER),
        (503, ErrorClass.OVERLOADED),
        (529, ErrorClass.OVERLOADED),
    ],
)
def test_a_status_becomes_its_class_after_one_try(
    providers: LLMock, route: str, status: int, expected: ErrorClass
) -> None:
    providers.fail(status, times=None)
    with pytest.raises(llm.LLMError, match=route) as caught:
        llm.complete("Hello", routes=[route])
    assert caught.value.failure.error_class is expected
    assert len(providers.requests) == 1, "the SDK's own retries are off"


@pytest.mark.parametrize("route", ["anthropic/claude-haiku-5-5", "openai/gpt-5.6-luna"])
def test_what_a_provider_asks_to_wait_is_passed_on(providers: LLMock, route: str) -> None:
    providers.rate_limit(retry_after=7)
    with pytest.raises(llm.LLMError) as caught:
        llm.complete("Hello", routes=[route])
    assert caught.value.failure.retry_after_s == 7


def test_a_provider_that_hangs_is_left_after_its_timeout(providers: LLMock) -> None:
    providers.delay(20)
    began = time.monotonic()
    with pytest.raises(llm.LLMError) as caught:
        llm.complete("Hello", routes=HOUSE)
    assert caught.value.failure.error_class is ErrorClass.TIMEOUT
    assert time.monotonic() - began < 15, "the server takes longer"


def test_a_call_leaves_a_job_the_time_to_be_recorded(providers: LLMock, job: Job) -> None:
    providers.delay(20)
    job.deadline = time.monotonic() + 3.2
    began = time.monotonic()
    with pytest.raises(llm.LLMError) as caught:
        llm.complete("Hello")
    assert caught.value.failure.error_class is ErrorClass.TIMEOUT
    assert time.monotonic() - began < 15, "the server takes longer"


def test_a_job_with_too_little_time_makes_no_call(providers: LLMock, job: Job) -> None:
    job.deadline = time.monotonic() + 2
    with pytest.raises(llm.LLMError, match="too little for a call"):
        llm.complete("Hello")
    assert providers.requests == []


def test_a_refused_key_is_read_anew_at_once(providers: LLMock) -> None:
    llm.complete("Hello")
    aws.secretsmanager().put_secret_value(SecretId="backstay/test/provider/anthropic", SecretString=" ")
    llm.complete("Hello")
    providers.fail(401)
    with pytest.raises(llm.LLMError):
        llm.complete("Hello", routes=["anthropic/claude-haiku-5-5"])
    with pytest.raises(llm.NotConfigured, match="backstay secrets set provider/anthropic"):
        llm.complete("Hello", routes=["anthropic/claude-haiku-5-5"])


def test_a_later_run_of_a_job_does_not_pay_again(providers: LLMock) -> None:
    stored: dict[int, str] = {}

    def run() -> tuple[Point, str, Job]:
        job = Job(call_log=CallLog(lambda: dict(stored), stored.__setitem__))
        token = current_job.set(job)
        try:
            point = llm.complete("Where?", output=Point)
            text = llm.complete("Why?")
            job.call_log.next_number()  # the run goes on to a third call, and dies in it
        finally:
            current_job.reset(token)
        return point, text, job

    providers.fail(503)
    first_point, first_text, first = run()
    second_point, second_text, second = run()
    assert (second_point, second_text) == (first_point, first_text)
    assert len(providers.requests) == 3
    assert first.calls[0].failed_over_from
    assert second.calls == [dataclasses.replace(call, replayed=True) for call in first.calls]
    assert Receipt(tuple(second.calls)).cost_usd == 0


def test_a_kept_answer_is_not_given_to_another_question(providers: LLMock) -> None:
    stored: dict[int, str] = {}
    for prompt in ("Where?", "Where else?"):
        job = Job(call_log=CallLog(lambda: dict(stored), stored.__setitem__))
        token = current_job.set(job)
        llm.complete(prompt)
        job.call_log.next_number()
        current_job.reset(token)
    assert len(providers.requests) == 2


def test_ten_jobs_of_a_batch_call_side_by_side_and_each_gets_its_own_receipt(providers: LLMock) -> None:
    providers.delay(2, times=10)
    llm.complete("Warm up", routes=OPENAI)
    together = threading.Barrier(10)

    def one(number: int) -> Job:
        job = Job(id=f"test.{number}")
        current_job.set(job)
        together.wait()
        llm.complete(f"Question {number}")
        return job

    began = time.monotonic()
    with ThreadPoolExecutor(10) as threads:
        jobs = list(threads.map(one, range(10)))
    assert [len(job.calls) for job in jobs] == [1] * 10
    assert time.monotonic() - began < 15, "one after another they take longer"


def test_neither_key_nor_prompt_nor_answer_is_logged(providers: LLMock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    providers.reply("the hidden answer")
    llm.complete("the hidden question")
    providers.fail(400)
    with pytest.raises(llm.LLMError):
        llm.complete("the hidden question")
    assert "hidden" not in caplog.text
    assert "key-of" not in caplog.text


def test_a_key_is_kept_for_its_age_also_where_there_is_none() -> None:
    now, reads = [0.0], [0]

    def read(_: str) -> str | None:
        reads[0] += 1
        return None

    keys = ApiKeys(read, lambda: now[0])
    assert keys.get("a") is keys.get("a") is None
    assert reads == [1]
    now[0] = FRESH_S + 1
    keys.get("a")
    assert reads == [2]
