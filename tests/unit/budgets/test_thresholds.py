"""When people are told of a budget: at each threshold once, whatever happens to the limit and the window."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.budgets.budget import Budget, Limit, Posting
from backstay.budgets.periods import Window
from backstay.budgets.thresholds import Crossing, crossings, source_of, thresholds_of
from backstay.config import Config, dump, parse
from backstay.settings import SettingsError

TOML = """
[budgets.tenants.acme]
daily = 10
yearly = 1000
[budgets.tenants.acme.thresholds.daily]
warning = 50
critical = 80.5
[alerts.rules."cost.budget_emergency"]
threshold = 99
"""
NOVEMBER = {Window.DAILY: "2026-11-25", Window.MONTHLY: "2026-11", Window.YEARLY: "2026"}
NEXT_DAY = NOVEMBER | {Window.DAILY: "2026-11-26"}


@pytest.fixture(scope="module")
def settings() -> Config:
    return parse(TOML)


def budget(spent: str, limit: str = "100", **more: bool) -> Budget:
    new = Budget.new("tenant:x", {Window.DAILY: Limit(Decimal(limit), **more)}, NOVEMBER)
    return new.after(Posting(spent=Decimal(spent)))


def rules_of(found: Sequence[Crossing]) -> list[str]:
    return [one.rule.removeprefix("cost.budget_") for one in found]


def test_a_budgets_own_table_wins_over_the_rules(settings: Config) -> None:
    assert list(thresholds_of("tenant:acme", Window.DAILY, settings).values()) == [50, Decimal("80.5"), 99]
    assert list(thresholds_of("tenant:acme", Window.YEARLY, settings).values()) == [75, 90, 99]
    assert parse(dump(settings)) == settings


@pytest.mark.parametrize("line", ["daily = { warning = 0 }", "weekly = { warning = 5 }", "daily = { loud = 5 }"])
def test_what_is_no_threshold_is_refused(line: str) -> None:
    with pytest.raises(SettingsError, match=r"budgets\.total\.thresholds"):
        parse(f"[budgets.total.thresholds]\n{line}")


def test_a_rule_that_is_off_has_no_threshold() -> None:
    off = parse('[alerts.rules."cost.budget_warning"]\nenabled = false')
    assert list(thresholds_of("total", Window.DAILY, off)) == ["cost.budget_critical", "cost.budget_emergency"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("0", "74.99", []),
        ("74.99", "75", ["warning"]),
        ("75", "89", []),
        ("0", "99", ["warning", "critical", "emergency"]),
        ("89", "150", ["critical", "emergency"]),
        ("99", "99", []),
    ],
)
def test_spending_crosses_a_threshold_once(settings: Config, before: str, after: str, expected: list[str]) -> None:
    assert rules_of(crossings(budget(before), budget(after), settings)) == expected


def test_a_limit_that_is_lowered_crosses_too(settings: Config) -> None:
    assert rules_of(crossings(budget("80", "1000"), budget("80", "100"), settings)) == ["warning"]
    assert crossings(budget("80", "100"), budget("80", "1000"), settings) == []


def test_a_new_window_begins_anew(settings: Config) -> None:
    full = budget("80")
    turned = full.turned(NEXT_DAY)
    assert crossings(full, turned, settings) == []
    assert rules_of(crossings(turned, turned.after(Posting(spent=Decimal(76))), settings)) == ["warning"]


def test_people_are_told_what_is_spent_and_what_to_do(settings: Config) -> None:
    (one,) = crossings(None, budget("75.5"), settings)
    assert "$75.50 of $100.00 are spent in 2026-11-25, 75 % or more; calls are refused at the limit" in one.text
    assert "backstay budgets set tenant:x daily AMOUNT" in one.text
    assert "nothing is refused" in crossings(None, budget("75.5", hard=False), settings)[0].text
    assert source_of(one.scope, one.window) == "tenant:x.daily"


@given(st.lists(st.decimals("0", "30", places=2), max_size=30))
def test_whatever_is_spent_each_threshold_that_is_passed_is_crossed_once(spends: list[Decimal]) -> None:
    now, found, settings = budget("0"), [], parse("")
    for usd in spends:
        after = now.after(Posting(spent=usd))
        found += rules_of(crossings(now, after, settings))
        now = after
    spent = now.accounts[Window.DAILY].spent
    passed = {"warning": 75, "critical": 90, "emergency": 95}
    assert sorted(found) == sorted(level for level, percent in passed.items() if spent >= percent)
