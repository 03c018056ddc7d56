"""Spending that happened elsewhere: once for each key, in budgets, quotas and reports."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from backstay import config
from backstay.budgets.periods import Window
from backstay.budgets.store import LedgerStore

TOML = """
[providers.house]
kind = "compatible"
base_url = "https://models.example.com/v1"
[prices."house/tiny"]
input = 2
output = 10
[rates.twilio]
sms_us = 0.0075
[budgets.tenants.acme]
daily = 1
[budgets.quotas.house.tokens]
monthly = 1000
"""
SMS = {"provider": "twilio", "operation": "sms_us", "quantity": 120, "tenant": "acme"}


@pytest.fixture(autouse=True)
def deployed(cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "backstay.toml"
    file.write_text(TOML)
    monkeypatch.setenv("BACKSTAY_CONFIG", str(file))
    config.load.cache_clear()
    yield
    config.load.cache_clear()


@pytest.fixture
def spent(cloud):
    def spent(scope: str) -> Decimal:
        (budget,) = LedgerStore(cloud.guards_table).read([scope]).values()
        account = budget.accounts[Window.YEARLY]
        assert account.spent + budget.reserved + account.left == account.limit_usd
        assert budget.reserved == 0
        return account.spent

    return spent


def record(caller, **usage):
    answer = caller("POST", "/api/usage", usage)
    assert answer.status == 201, answer.text
    return answer.json


def test_an_operation_costs_what_backstay_toml_says_and_counts_in_every_budget_and_report(client, spent):
    booked = record(client(), **SMS, tags=["spring"])
    assert Decimal(booked["cost_usd"]) == Decimal("0.9")
    assert booked["budgets"] == ["total", "provider:twilio", "tenant:acme"]
    assert {spent(scope) for scope in booked["budgets"]} == {Decimal("0.9")}
    groups = client()("GET", "/api/costs", query={"by": "operation"}).json["groups"]
    assert [(one["name"], Decimal(one["cost_usd"])) for one in groups] == [("sms_us", Decimal("0.9"))]


def test_a_model_costs_what_was_paid_or_what_prices_say_and_counts_of_quotas(client, spent):
    tokens = {"provider": "house", "model": "tiny", "input_tokens": 1000, "output_tokens": 500}
    assert Decimal(record(client(), **tokens)["cost_usd"]) == Decimal("0.007")
    assert Decimal(record(client(), **tokens, cost_usd="0.001")["cost_usd"]) == Decimal("0.001")
    assert spent("quota:house:tokens") == 3000, "past its limit: it is spent already"
    assert spent("total") == Decimal("0.008")


def test_it_counts_past_a_hard_limit(client, spent):
    record(client(), **SMS | {"quantity": 1000})
    assert spent("tenant:acme") == Decimal("7.5")


def test_the_same_key_counts_once_however_often_it_comes(client, spent):
    caller = client()
    answers = [record(caller, **SMS, idempotency_key="may") for _ in range(3)]
    assert {one["idempotency_key"] for one in answers} == {"may"}
    assert spent("total") == Decimal("0.9")
    (group,) = caller("GET", "/api/costs").json["groups"]
    assert Decimal(group["cost_usd"]) == Decimal("0.9")
    answer = caller("POST", "/api/usage", SMS | {"idempotency_key": "may", "quantity": 7})
    assert answer.status == 409
    assert "use another key" in answer.json["detail"]
    assert spent("total") == Decimal("0.9")


def test_another_day_begins_its_windows_anew(client, spent, cloud, monkeypatch):
    from api.services import services

    record(client(), **SMS)
    elsewhere, before = services().elsewhere, services().elsewhere._clock
    monkeypatch.setattr(elsewhere, "_clock", lambda: before() + timedelta(days=366))
    record(client(), **SMS)
    assert spent("total") == Decimal("0.9")


@pytest.mark.parametrize(
    ("usage", "field"),
    [
        ({"provider": "twilio"}, "operation"),
        ({"provider": "twilio", "operation": "sms_us", "model": "m"}, "operation"),
        ({"provider": "twilio", "operation": "fax"}, "operation"),
        ({"provider": "house", "model": "other"}, "cost_usd"),
        ({"provider": "house", "model": "tiny", "cost_usd": -1}, "cost_usd"),
        ({"provider": "twilio", "operation": "sms_us", "quantity": 0}, "quantity"),
    ],
)
def test_what_can_not_be_priced_is_refused_by_field(client, usage, field):
    answer = client()("POST", "/api/usage", usage)
    assert answer.status == 422
    assert field in answer.fields


def test_a_tenants_key_records_nothing(client):
    assert client("acme")("POST", "/api/usage", SMS).status == 403
