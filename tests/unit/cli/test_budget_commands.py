"""Budgets at the terminal: what is printed, and what is sent. The API is a fake; the rest is real."""

import json
from typing import Any

import pytest

from cli.local.state import StateDirectory
from cli.problems import ExitCode
from tests.unit.cli.terminal import FakeApi, backstay


def window(name: str, limit: str | None, spent: str = "0.00", **more: Any) -> dict[str, Any]:
    left, used = ("1.00", 50.0) if limit else (None, None)
    known = {"window": name, "period": "2026-11", "limit": limit, "spent": spent, "left": left, "used_percent": used}
    return known | {"hard": True, "set_by": "backstay.toml", "turns_at": "2026-12-01T00:00:00.000Z"} | more


ACME = {
    "scope": "tenant:acme",
    "unit": "usd",
    "reserved": "0.25",
    "windows": [window("daily", "2.00", "1.00"), window("monthly", None), window("yearly", "9.00", hard=False)],
}
OBEY = {
    "scope": "task:obey",
    "unit": "usd",
    "reserved": "0.00",
    "windows": [window(w, None) for w in ("daily", "monthly", "yearly")],
}


def test_every_window_with_a_limit_has_a_line_and_a_budget_without_any_has_one(
    api: FakeApi, state: StateDirectory
) -> None:
    api.says("GET /api/budgets?limit=100", (200, {"budgets": [ACME, OBEY], "cursor": None}))
    lines = backstay(state, "budgets", "ls").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ["tenant:acme", "daily"],
        ["yearly", "2026-11"],
        ["task:obey", "yearly"],
    ]
    assert "50.0%" in lines[1]
    assert "$9.00 soft" in lines[2]
    assert "none" in lines[3]


def test_one_budget_is_asked_for_by_its_name(api: FakeApi, state: StateDirectory) -> None:
    api.says("GET /api/budgets/tenant%3Aacme", (200, ACME))
    assert json.loads(backstay(state, "budgets", "ls", "tenant:acme", "--json").stdout) == [ACME]


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (("2.5",), {"limit": "2.5", "hard": True}),
        (("$1e2", "--soft"), {"limit": "100", "hard": False}),
        (("none",), {"limit": None, "hard": True}),
    ],
)
def test_a_limit_is_set_as_the_words_say(
    api: FakeApi, state: StateDirectory, words: tuple[str, ...], body: dict[str, Any]
) -> None:
    api.says("PUT /api/budgets/tenant%3Aacme/daily", (200, ACME))
    ran = backstay(state, "budgets", "set", "tenant:acme", "daily", *words)
    assert ran.exit_code == ExitCode.OK, ran.stderr
    assert "tenant:acme" in ran.stdout
    assert api.asked[0][1] == body


@pytest.mark.parametrize("usd", ["a-lot", "NaN", "--", "inf"])
def test_what_is_no_amount_is_refused_before_anything_is_sent(api: FakeApi, state: StateDirectory, usd: str) -> None:
    assert backstay(state, "budgets", "set", "total", "daily", usd).exit_code == ExitCode.USAGE
    assert api.asked == []


def test_a_limit_is_given_back(api: FakeApi, state: StateDirectory) -> None:
    api.says("DELETE /api/budgets/total/daily", (200, ACME))
    assert backstay(state, "budgets", "reset", "total", "daily").exit_code == ExitCode.OK
