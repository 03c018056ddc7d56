"""A provider that is down, paused or unpaid is not asked; what it is worth again is told by whoever asks it next."""

import time

import pytest
from llmock.pytest_plugin import LLMock

from backstay import config, llm
from backstay.circuits import UNPAID, Circuits, provider_circuit
from backstay.errors import ErrorClass
from backstay.llm.errors import LLMError
from backstay.llm.process import forget_switchboard
from backstay.resilience.breaker import AskedToRest, CircuitOpen

ONLY = ["openai/gpt-5.6-luna"]


def asked_of(providers: LLMock, path: str) -> int:
    return sum(path in request.path for request in providers.requests)


def test_a_provider_that_fails_five_times_in_a_row_is_not_asked_a_sixth(providers: LLMock) -> None:
    providers.fail(500, times=None, provider="openai")
    for number in range(5):
        with pytest.raises(LLMError):
            llm.complete(f"question {number}", routes=ONLY)
    before = len(providers.requests)
    with pytest.raises(CircuitOpen) as refused:
        llm.complete("one more", routes=ONLY)
    assert refused.value.failure.error_class is ErrorClass.CIRCUIT_OPEN
    assert refused.value.failure.retry_after_s is not None
    assert len(providers.requests) == before


def test_a_paused_provider_is_passed_over_until_it_is_resumed(providers: LLMock) -> None:
    circuits = Circuits(config.load(), "guards")
    circuits.pause("anthropic")
    assert llm.complete("question")
    assert asked_of(providers, "anthropic") == 0
    circuits.resume("anthropic")
    forget_switchboard()  # another process, which remembers nothing
    assert llm.complete("another question")
    assert asked_of(providers, "anthropic") == 1


def test_a_provider_that_wants_to_be_paid_is_held_open_until_its_credit_is_back(providers: LLMock) -> None:
    providers.fail(402, times=1, provider="anthropic")
    assert llm.complete("question"), "the next route answers"
    circuits = Circuits(config.load(), "guards")
    assert circuits.stats("anthropic").held == UNPAID
    assert circuits.stats(provider_circuit("openai")).held == ""


def test_an_answer_of_no_use_says_nothing_about_its_provider(providers: LLMock) -> None:
    providers.fail(400, times=None, provider="openai")
    for number in range(6):
        with pytest.raises(LLMError):
            llm.complete(f"question {number}", routes=ONLY)
    assert len(providers.requests) == 6


def test_what_a_provider_asks_one_job_to_wait_holds_for_all_jobs_in_all_processes(providers: LLMock) -> None:
    providers.fail(429, retry_after=30, provider="openai")
    with pytest.raises(LLMError):
        llm.complete("question", routes=ONLY)
    forget_switchboard()  # another process, which remembers nothing
    with pytest.raises(AskedToRest, match="asked not to be called before") as refused:
        llm.complete("another question", routes=ONLY)
    assert refused.value.failure.error_class is ErrorClass.RATE_LIMITED
    assert 25 < (refused.value.failure.retry_after_s or 0) <= 30
    assert len(providers.requests) == 1


def test_a_model_that_rests_leaves_the_other_models_of_its_provider_alone(providers: LLMock) -> None:
    providers.fail(429, retry_after=30, provider="openai")
    answer = llm.complete("question", routes=[*ONLY, "openai/gpt-5.6-terra"])
    assert answer
    assert [request.model for request in providers.requests] == ["gpt-5.6-luna", "gpt-5.6-terra"]


def test_a_job_that_another_route_calls_back_sooner_leaves_the_first_one_its_rest(providers: LLMock) -> None:
    providers.fail(429, retry_after=30, provider="anthropic")
    providers.fail(429, retry_after=1, provider="openai")
    routes = ["anthropic/claude-haiku-5-5", *ONLY]
    with pytest.raises(LLMError) as refused:
        llm.complete("question", routes=routes)
    assert refused.value.failure.retry_after_s == 1
    time.sleep(1)
    assert llm.complete("question", routes=routes)
    assert asked_of(providers, "anthropic") == 1


def test_a_person_who_resets_the_breaker_ends_the_rest(providers: LLMock) -> None:
    providers.fail(429, retry_after=3000, provider="openai")
    with pytest.raises(LLMError):
        llm.complete("question", routes=ONLY)
    Circuits(config.load(), "guards").reset("openai")
    forget_switchboard()
    assert llm.complete("question", routes=ONLY)
