"""Money before every call: what is reserved and settled, what is refused, and which failures may have cost some."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmock.pytest_plugin import LLMock

from backstay import config, llm
from backstay.budgets.budget import Budget
from backstay.budgets.periods import Window
from backstay.budgets.store import LedgerStore
from backstay.config import parse
from backstay.errors import ErrorClass, WorkError
from backstay.llm.errors import LLMError
from backstay.llm.prices import most_usd, price
from backstay.llm.request import Message, Request, Usage

GPT = "openai/gpt-5.6-luna"
HOUSE = 'kind = "compatible"\nbase_url = "http://house.test/v1"'


def budget(scope: str) -> Budget:
    return LedgerStore("guards").read([scope])[scope]


def spent(scope: str = "total") -> Decimal:
    return budget(scope).accounts[Window.YEARLY].spent


def limit(configure, providers: LLMock, budgets: str) -> None:
    configure(
        f"""
        [providers.openai]
        kind = "openai"
        secret = "provider/openai"
        base_url = "{providers.base_url("openai")}"
        [providers.house]
        kind = "compatible"
        base_url = "{providers.base_url("openai")}"
        [prices."house/tiny"]
        input = 1
        output = 1
        {budgets}
        """
    )


def test_a_call_is_spent_at_its_price_in_all_of_its_scopes_and_its_receipt_names_the_reservation(providers, job):
    job.key_id = "k1"
    llm.complete("Hello", routes=[GPT])
    (call,) = job.calls
    for scope in ("total", "provider:openai", "tenant:default", "task:test", "key:k1"):
        assert spent(scope) == call.cost_usd
        assert budget(scope).reserved == 0
    lease, _, number = call.reservation.partition(".")
    assert (len(lease), number) == (12, "1")


def test_outside_a_job_the_provider_and_the_whole_pay(providers):
    llm.complete("Hello", routes=[GPT])
    assert spent() == spent("provider:openai") > 0


def test_past_a_hard_limit_nothing_is_sent_and_the_next_route_is_asked(configure, providers, job):
    limit(configure, providers, "[budgets.providers.openai]\ndaily = 0.0001")
    assert llm.complete("Hello", routes=[GPT, "house/tiny"])
    assert [call.provider for call in job.calls] == ["house"]
    assert len(providers.requests) == 1


def test_where_no_route_may_be_paid_the_job_is_told_by_which_scope(configure, providers, job):
    limit(configure, providers, "[budgets.tenants.default]\nmonthly = 0")
    with pytest.raises(WorkError, match="budget tenant:default monthly is used up") as refused:
        llm.complete("Hello", routes=[GPT])
    assert refused.value.failure.error_class is ErrorClass.BUDGET_EXCEEDED
    assert refused.value.failure.budget == "tenant:default monthly"
    assert not providers.requests


def test_a_failover_is_reserved_for_anew_and_a_call_that_failed_for_nothing_costs_nothing(providers, job):
    providers.fail(503, times=1, provider="anthropic")
    llm.complete("Hello")
    assert spent("provider:anthropic") == 0
    assert spent() == spent("provider:openai") == job.calls[0].cost_usd


def test_a_call_that_may_have_been_charged_is_spent_at_its_most_and_listed(providers, job):
    providers.fail(504, times=None, provider="openai")
    with pytest.raises(LLMError):
        llm.complete("Hello", routes=[GPT])
    most = most_usd(config.load(), "openai", "gpt-5.6-luna", Request((Message("user", "Hello"),)))
    assert spent() == most > 0
    (listed,) = LedgerStore("guards").uncertain(10)
    assert [(one.usd, one.job_id) for one in listed.holdings] == [(most, job.id)]


def test_a_call_that_costs_nothing_asks_no_budget(configure, providers, job):
    limit(configure, providers, '[budgets.total]\ndaily = 0\n[prices."house/free"]\ninput = 0\noutput = 0')
    assert llm.complete("Hello", routes=["house/free"])


@pytest.mark.parametrize("price", [0, 1])
def test_quotas_count_the_requests_and_tokens_that_were_used_whatever_they_cost(configure, providers, job, price):
    limit(
        configure,
        providers,
        f"""
        [prices."house/quota"]
        input = {price}
        output = {price}
        [budgets.quotas.house]
        requests = {{ monthly = 2 }}
        tokens = {{ yearly = 1_000_000 }}
        """,
    )
    for question in ("Hello", "Hello again"):
        llm.complete(question, routes=["house/quota"])
    assert spent("quota:house:requests") == 2
    assert spent("quota:house:tokens") == sum(call.input_tokens + call.output_tokens for call in job.calls) > 0
    with pytest.raises(WorkError, match="budget quota:house:requests monthly is used up: 2 requests") as refused:
        llm.complete("And once more", routes=["house/quota"])
    assert refused.value.failure.budget == "quota:house:requests monthly"
    assert len(providers.requests) == 2


tokens = st.integers(0, 400_000)
known = st.sampled_from(
    [
        ("anthropic", "claude-haiku-5-5"),
        ("anthropic", "claude-sonnet-4-5"),
        ("openai", "gpt-5.6-luna"),
        ("house", "tiny"),
    ]
)


@settings(deadline=None)
@given(known, tokens, st.integers(1, 20_000), st.data())
def test_whatever_a_call_uses_within_its_bounds_costs_no_more_than_its_most(route, asked, most_output, data):
    toml = parse(
        '[providers.anthropic]\nkind = "anthropic"\nsecret = "a"\n[providers.openai]\nkind = "openai"\nsecret = "o"\n'
        f'[providers.house]\n{HOUSE}\n[prices."house/tiny"]\ninput = 0.5\ncached_input = 0.9\noutput = 2\n'
        "cache_write = 1.5\ncache_write_1h = 3"
    )
    request = Request((Message("user", "x" * asked),), max_output_tokens=most_output)
    read = data.draw(st.integers(0, request.most_input_tokens))
    cached = data.draw(st.integers(0, read))
    stored = data.draw(st.integers(0, read - cached))
    for_an_hour = data.draw(st.integers(0, stored))
    written = data.draw(st.integers(0, most_output))
    usage = Usage(read, written, cached, cache_write_tokens=stored, cache_write_1h_tokens=for_an_hour)
    cost, _ = price(toml, *route, usage)
    assert cost is not None
    assert cost <= most_usd(toml, *route, request)
