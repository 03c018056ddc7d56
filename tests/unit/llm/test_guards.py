"""A provider that is down, paused or unpaid is not asked; what it is worth again is told by whoever asks it next."""

import pytest
from llmock.pytest_plugin import LLMock

from backstay import config, llm
from backstay.circuits import UNPAID, Circuits, provider_circuit
from backstay.errors import ErrorClass
from backstay.llm.errors import LLMError
from backstay.llm.process import forget_switchboard
from backstay.resilience.breaker import CircuitOpen

ONLY = ["openai/gpt-5.6-luna"]


def asked_of(providers: LLMock, path: str) -> int:
    return sum(path in request.path for request in providers.requests)


def test_a_provider_that_fails_five_times_in_a_row_is_not_asked_a_sixth(providers: LLMock) -> None:
    providers.fail(503, times=None, provider="openai")
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
