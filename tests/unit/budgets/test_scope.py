"""Whose limits a scope has."""

from decimal import Decimal

import pytest

from backstay.budgets.budget import Limit
from backstay.budgets.periods import Window
from backstay.budgets.scope import counts_of, limits_of, named_scopes, scopes_of
from backstay.config import dump, parse
from backstay.settings import SettingsError

TOML = """
[budgets.total]
daily = 2.5
monthly = 40
soft = ["monthly"]
[budgets.tenants.acme]
daily = 1
[budgets.tenants."*"]
daily = 0.1
[budgets.providers.openai]
"""


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("total", {Window.DAILY: Limit(Decimal("2.5")), Window.MONTHLY: Limit(Decimal(40), hard=False)}),
        ("tenant:acme", {Window.DAILY: Limit(Decimal(1))}),
        ("tenant:somebody-new", {Window.DAILY: Limit(Decimal("0.1"))}),
        ("task:enhance-story", {}),
        ("provider:openai", {}),
        ("provider:house", {}),
        (
            "provider:anthropic",
            {
                Window.DAILY: Limit(Decimal(50)),
                Window.MONTHLY: Limit(Decimal(1_000)),
                Window.YEARLY: Limit(Decimal(10_000)),
            },
        ),
    ],
)
def test_a_scope_has_its_own_limits_or_those_of_all_others_of_its_kind(scope, expected):
    assert limits_of(scope, parse(TOML).budgets) == expected


def test_without_a_word_the_total_is_limited():
    assert limits_of("total", parse("").budgets)[Window.DAILY] == Limit(Decimal(295))


def test_budgets_survive_being_written_out():
    assert parse(dump(parse(TOML))) == parse(TOML)


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("[budgets.tenant.acme]\ndaily = 1", "did you mean 'tenants'"),
        ("[budgets.total]\ndaily = -1", "budgets.total.daily = -1"),
        ('[budgets.total]\nsoft = ["weekly"]', "budgets.total.soft"),
        ("[budgets.total]\ndayly = 1", "did you mean 'daily'"),
    ],
)
def test_a_mistake_is_named_with_its_key(toml, complaint):
    with pytest.raises(SettingsError, match=complaint):
        parse(toml)


def test_a_call_outside_a_job_has_only_what_it_has():
    assert scopes_of("openai") == ("total", "provider:openai")
    assert scopes_of("openai", tenant="acme", task="t", key_id="k") == (
        "total",
        "provider:openai",
        "tenant:acme",
        "task:t",
        "key:k",
    )


QUOTAS = """
[budgets.quotas.openai.requests]
monthly = 1000
soft = ["monthly"]
[budgets.quotas.openai.tokens]
daily = 50_000
"""


def test_a_quota_is_a_scope_of_its_own_for_each_measure():
    settings = parse(QUOTAS).budgets
    assert named_scopes("quota", settings) == ("quota:openai:requests", "quota:openai:tokens")
    assert counts_of("openai", settings, requests=1, tokens=70) == (
        ("quota:openai:requests", Decimal(1)),
        ("quota:openai:tokens", Decimal(70)),
    )
    assert counts_of("openai", settings, requests=1) == (("quota:openai:requests", Decimal(1)),)
    assert counts_of("anthropic", settings, requests=1) == ()
    assert limits_of("quota:openai:requests", settings) == {Window.MONTHLY: Limit(Decimal(1000), hard=False)}
    assert limits_of("quota:anthropic:tokens", settings) == {}
    assert dump(parse(QUOTAS)) == dump(parse(dump(parse(QUOTAS))))
