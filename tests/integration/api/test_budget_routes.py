"""Budgets through the API: who sees which, and limits that are changed at run time."""

from decimal import Decimal
from pathlib import Path

import pytest

from backstay import config
from backstay.budgets.entry import Ask
from backstay.budgets.ledger import Ledger

TOML = """
[providers.house]
kind = "compatible"
base_url = "https://models.example.com/v1"
[budgets.total]
daily = 10
[budgets.tenants.acme]
daily = 1
monthly = 20
soft = ["monthly"]
"""


@pytest.fixture(autouse=True)
def deployed(cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "backstay.toml"
    file.write_text(TOML)
    monkeypatch.setenv("BACKSTAY_CONFIG", str(file))
    config.load.cache_clear()
    yield
    config.load.cache_clear()


@pytest.fixture
def ledger(cloud) -> Ledger:
    return Ledger(config.load().budgets, cloud.guards_table)


def spend(ledger: Ledger, usd: str, *scopes: str) -> None:
    ledger.reserve(Ask(Decimal(usd), scopes, 60)).settle(Decimal(usd))
    ledger.settle_all()


def window(budget, name="daily"):
    return next(one for one in budget["windows"] if one["window"] == name)


def budget(caller, scope="tenant:acme"):
    answer = caller("GET", f"/api/budgets/{scope}")
    assert answer.status == 200, answer.text
    return answer.json


def test_a_budget_shows_limit_spent_and_left_of_each_window(client, ledger):
    spend(ledger, "0.25", "total", "tenant:acme")
    ledger.reserve(Ask(Decimal("0.1"), ("tenant:acme",), 60))

    shown = budget(client())
    assert shown["reserved"] == "0.10"
    day, month = window(shown), window(shown, "monthly")
    assert (day["limit"], day["spent"], day["left"], day["used_percent"]) == ("1.00", "0.25", "0.65", 25)
    assert (day["hard"], day["set_by"], month["hard"]) == (True, "backstay.toml", False)
    assert window(shown, "yearly") == window(shown, "yearly") | {"limit": None, "left": None, "used_percent": None}


def test_one_from_which_nothing_was_spent_shows_too(client):
    assert window(budget(client(), "task:obey"))["spent"] == "0.00"
    assert window(budget(client(), "total"))["left"] == "10.00"


def test_the_list_holds_what_was_spent_from_and_what_backstay_toml_names_page_by_page(client, ledger):
    spend(ledger, "0.1", "total", "tenant:zoo", "tenant:b", "task:obey")
    caller, found, cursor = client(), [], None
    while True:
        page = caller("GET", "/api/budgets", query={"limit": "3", **({"cursor": cursor} if cursor else {})}).json
        found += [one["scope"] for one in page["budgets"]]
        assert len(page["budgets"]) <= 3
        if not (cursor := page["cursor"]):
            break
    assert len(found) == len(set(found))
    assert found[0] == "total"
    assert {"provider:anthropic", "tenant:acme", "tenant:b", "tenant:zoo", "task:obey"} <= set(found)
    tenants = caller("GET", "/api/budgets", query={"kind": "tenant"}).json["budgets"]
    assert [one["scope"] for one in tenants] == ["tenant:acme", "tenant:b", "tenant:zoo"]


def test_a_limit_set_at_run_time_holds_from_the_next_call_on(client, ledger):
    spend(ledger, "0.9", "tenant:acme")
    shown = client()("PUT", "/api/budgets/tenant:acme/daily", {"limit": "5.5"})
    assert shown.status == 200, shown.text
    day = window(shown.json)
    assert (day["limit"], day["left"], day["set_by"]) == ("5.50", "4.60", "hand")
    spend(ledger, "4.6", "tenant:acme")
    assert window(budget(client()))["left"] == "0.00"


def test_a_limit_may_be_lifted_made_soft_and_given_back(client):
    caller, path = client(), "/api/budgets/tenant:acme/daily"
    assert window(caller("PUT", path, {"limit": None}).json)["limit"] is None
    assert window(caller("PUT", path, {"limit": 2, "hard": False}).json)["hard"] is False
    back = window(caller("DELETE", path).json)
    assert (back["limit"], back["hard"], back["set_by"]) == ("1.00", True, "backstay.toml")


@pytest.mark.parametrize("body", [{"limit": -1}, {"limit": "NaN"}, {"limit": "a lot"}, {}, {"limit": 1, "soft": True}])
def test_what_is_no_limit_is_refused(client, body):
    assert client()("PUT", "/api/budgets/total/daily", body).status == 422


@pytest.mark.parametrize("scope", ["nobody", "tenant:", "tenant:A B", "provider:unknown", "task:unknown", "all:x"])
def test_a_scope_that_can_not_be_is_not_found(client, scope):
    assert client()("GET", f"/api/budgets/{scope}").status == 404
    assert client()("PUT", f"/api/budgets/{scope}/daily", {"limit": 1}).status == 404


def test_a_window_that_can_not_be_is_refused(client):
    assert client()("PUT", "/api/budgets/total/weekly", {"limit": 1}).status == 422


def test_a_tenants_key_sees_its_own_and_changes_nothing(client):
    caller = client("acme")
    scopes = [one["scope"] for one in caller("GET", "/api/budgets").json["budgets"]]
    assert scopes[0] == "tenant:acme"
    assert len(scopes) == 2
    assert scopes[1].startswith("key:")
    assert budget(caller)["scope"] == "tenant:acme"
    for scope in ("total", "provider:house", "tenant:b", "task:obey"):
        assert caller("GET", f"/api/budgets/{scope}").status == 403
    for scope in ("total", "tenant:acme"):
        assert caller("PUT", f"/api/budgets/{scope}/daily", {"limit": 1000}).status == 403
        assert caller("DELETE", f"/api/budgets/{scope}/daily").status == 403


def test_a_cursor_that_no_page_brought_is_refused(client):
    assert client()("GET", "/api/budgets", query={"cursor": "nonsense"}).status == 422
