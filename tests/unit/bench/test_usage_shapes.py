"""What calls cost, to the last digit, in every shape in which providers tell of it."""

import pytest

from backstay.config import Config
from bench.usage_shapes import Case, cases, error_usd, settings

CASES = [pytest.param(case, id=f"{case.provider}: {case.name}") for case in cases()]


@pytest.fixture(scope="module")
def known() -> Config:
    return settings()


@pytest.mark.parametrize("case", CASES)
def test_an_answer_costs_what_the_provider_s_price_list_says(case: Case, known: Config) -> None:
    assert error_usd(case, known) == 0


@pytest.mark.parametrize("case", CASES)
def test_what_an_answer_costs_is_worked_out_beside_it(case: Case) -> None:
    assert not case.how or case.worked_out_usd == case.usd


def test_five_providers_tell_of_all_that_makes_prices_differ() -> None:
    told = {(case.provider, word) for case in cases() for word in WORDS if word in f"{case.name} {' '.join(case.how)}"}
    assert {provider for provider, _ in told} == {"anthropic", "openai", "azure", "openrouter", "bedrock"}
    for word in ("cache read", "reasoning", "batch", "long context"):
        assert len({provider for provider, said in told if said == word}) >= 3, word
    assert {("anthropic", "cache write 5 min"), ("anthropic", "cache write 1 h")} <= told
    assert {("bedrock", "cache write 5 min"), ("bedrock", "cache write 1 h")} <= told


WORDS = ("cache read", "cache write 5 min", "cache write 1 h", "reasoning", "thinking", "batch", "long context")
