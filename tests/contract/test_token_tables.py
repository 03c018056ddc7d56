"""What is reserved for a call is enough for what real tokenizers make of it."""

from decimal import Decimal

import pytest

from backstay.config import parse
from backstay.llm.prices import most_usd, price
from backstay.llm.request import Usage
from tests.tokens.corpus import REQUESTS, SCRIPTS, Sample, samples
from tests.tokens.real import most_tokens

AROUND_A_MESSAGE, AROUND_A_REQUEST, AROUND_A_FORM = 4, 3, 346
"""Tokens: OpenAI's cookbook "How to count tokens" (a name and the answer's beginning among them), and the most that
Anthropic's page on tool use gives for the text around tools."""
ROUTES = [("anthropic", "claude-haiku-5-5"), ("openai", "gpt-5.6-luna"), ("house", "tiny")]
TOML = """
[providers.anthropic]
kind = "anthropic"
secret = "a"
[providers.openai]
kind = "openai"
secret = "o"
[providers.house]
kind = "compatible"
base_url = "http://house.test/v1"
[prices."house/tiny"]
input = 0.5
cached_input = 0.9
output = 2
"""


@pytest.fixture(scope="module")
def counted() -> list[tuple[Sample, int]]:
    """A thousand requests with the tokens that they take at the most."""
    asked = samples()
    said = [sample.said for sample in asked]
    counts = iter(most_tokens([text for texts in said for text in texts]))
    return [
        (sample, sum(next(counts) for _ in texts) + _around(sample)) for sample, texts in zip(asked, said, strict=True)
    ]


def _around(sample: Sample) -> int:
    form = AROUND_A_FORM if sample.request.form else 0
    return AROUND_A_MESSAGE * len(sample.request.messages) + AROUND_A_REQUEST + form


def test_no_request_in_twelve_scripts_code_schemas_and_forms_takes_more_tokens_than_are_reserved(counted):
    assert len(counted) == REQUESTS
    assert len(SCRIPTS) >= 12
    short = [
        (sample.kind, tokens, sample.request.most_input_tokens)
        for sample, tokens in counted
        if tokens > sample.request.most_input_tokens
    ]
    assert short == []


@pytest.mark.parametrize(("provider", "model"), ROUTES)
def test_nor_does_one_cost_more_than_is_reserved_however_much_of_it_is_cached(counted, provider, model):
    settings = parse(TOML)
    for sample, tokens in counted:
        most = most_usd(settings, provider, model, sample.request)
        for cached, cache_write in ((0, 0), (tokens, 0), (0, tokens), (tokens // 2, tokens // 3)):
            cost, _ = price(
                settings, provider, model, Usage(tokens, sample.request.max_output_tokens, cached, cache_write)
            )
            assert Decimal(0) < (cost or Decimal(0)) <= most, sample.kind
