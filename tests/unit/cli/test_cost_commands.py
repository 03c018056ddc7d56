"""`backstay costs` at the terminal."""

import json
from typing import Any

from cli.local.state import StateDirectory
from cli.problems import ExitCode
from tests.unit.cli.terminal import FakeApi, backstay

SUMS: dict[str, Any] = {
    "cost_usd": "1.5",
    "calls": 3,
    "unpriced_calls": 0,
    "input_tokens": 1200,
    "output_tokens": 80,
    "cached_tokens": 0,
    "cache_write_tokens": 0,
    "jobs": 2,
    "cost_per_job_usd": "0.75",
    "cache_hits": 1,
    "cache_saved_usd": "0.25",
    "lost_usd": "0",
}
RUNWAY = {
    "scope": "tenant:acme",
    "window": "daily",
    "limit_usd": "2",
    "left_usd": "0.5",
    "a_day_usd": "1.5",
    "days": 0.33,
    "runs_out_at": "2026-11-25T20:00:00.000Z",
    "turns_at": "2026-11-26T00:00:00.000Z",
}
COSTS: dict[str, Any] = {
    "window": "monthly",
    "by": "provider",
    "total": SUMS,
    "groups": [SUMS | {"name": "openai"}, SUMS | {"name": "house", "cost_usd": "0", "unpriced_calls": 1}],
    "more_groups": 0,
    "days": [],
    "trend": {
        "today_usd": "1.5",
        "yesterday_usd": "1",
        "week_average_usd": "0",
        "change_on_yesterday": 0.5,
        "change_on_week": None,
    },
    "projection": {"daily_average_usd": "1", "monthly_usd": "30", "yearly_usd": "365"},
    "runway": [RUNWAY, RUNWAY | {"scope": "total", "runs_out_at": None}],
}
ASKED = "GET /api/costs?by=provider&window=monthly&limit=20"


def test_costs_are_shown_with_where_they_are_going(api: FakeApi, state: StateDirectory) -> None:
    api.says(ASKED, (200, COSTS))
    ran = backstay(state, "costs")
    assert ran.exit_code == ExitCode.OK, ran.stderr
    words = " ".join(ran.stdout.split())
    assert "openai $1.5 3 2 $0.75 1200 + 80 1 $0.25 $0" in words
    assert "house $0 + unpriced" in words
    assert "today $1.5; yesterday $1 (+50%); a day of the last week $0" in words
    assert "$30 in 30 days, $365 in 365" in words
    assert "tenant:acme daily: $0.5 of $2 left, gone in 0.33 days (2026-11-25 20:00 UTC)" in words
    assert "total daily" not in words


def test_costs_of_a_tenant_by_tag_are_asked_for(api: FakeApi, state: StateDirectory) -> None:
    asked = "GET /api/costs?by=tag&window=daily&tenant=acme&limit=5"
    api.says(asked, (200, COSTS | {"runway": [], "more_groups": 7}))
    words = ("--by", "tag", "--window", "daily", "--tenant", "acme", "--limit", "5")
    ran = backstay(state, "costs", *words)
    assert "and 7 more" in ran.stdout
    assert "every budget lasts" in ran.stdout
    assert json.loads(backstay(state, "costs", *words, "--json").stdout)["more_groups"] == 7


def test_ways_to_spend_less_are_shown(api: FakeApi, state: StateDirectory) -> None:
    insight = {"task": "obey", "kind": "cheaper_route", "saving_usd": "7.2", "text": "on house/small it is cheaper"}
    asked = "GET /api/costs/insights"
    api.says(asked, (200, {"first_day": "2026-10-27", "insights": [insight]}))
    words = " ".join(backstay(state, "costs", "insights").stdout.split())
    assert "obey cheaper route $7.2 on house/small it is cheaper" in words
    api.says(asked, (200, {"first_day": "2026-10-27", "insights": []}))
    assert "nothing that would save much since 2026-10-27" in backstay(state, "costs", "insights").stdout


def test_the_accounts_go_to_standard_output_as_they_come(api: FakeApi, state: StateDirectory) -> None:
    asked = "GET /api/costs/export?first=2026-11-01&of=spending&format="
    words = ("costs", "export", "--first", "2026-11-01")
    api.says(f"{asked}csv", (200, b"day,tenant\r\n2026-11-25,acme\r\n"))
    assert backstay(state, *words).stdout_bytes == b"day,tenant\r\n2026-11-25,acme\r\n"
    api.says(f"{asked}json", (200, {"rows": []}))
    assert json.loads(backstay(state, *words, "--format", "json").stdout) == {"rows": []}
