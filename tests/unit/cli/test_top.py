"""`backstay top` at the terminal. The API is a fake; the rest is real."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli.api import Api
from cli.local.state import StateDirectory
from cli.problems import ExitCode
from cli.target import local_target
from cli.top import Looking, watch
from cli.top_frame import _short
from tests.unit.cli.terminal import FakeApi, backstay


def numbers(**more: Any) -> dict[str, Any]:
    counts = dict.fromkeys(("waiting", "active", "delayed", "completed", "failed", "cancelled", "dead_letters"), 0)
    unknown = dict.fromkeys(("oldest_waiting_s", "throughput_per_minute", "success_rate"))
    return {**counts, **unknown, **more}


OVERVIEW = {
    "status": "degraded", "tenant": None, "cost_today_usd": "1234.5", "calls_today": 98765,
    "reasons": [{"status": "degraded", "about": "openai", "text": "its breaker is open, and calls go to others " * 3}],
    "alerts": {"unresolved": 2, "by_severity": {"critical": 1, "warning": 1}},
    "budgets": [
        {"scope": "provider:anthropic", "window": "monthly", "used_percent": 96.0},
        {"scope": "total", "window": "daily", "used_percent": 240.0},
        {"scope": "total", "window": "yearly", "used_percent": 0.1},
    ],
    "health": {
        "workflows": {"active": 3, "stuck": 1, "pending_compensations": 0, "cross_workflow_calls": 0},
        "cache": {"hits": 1, "calls": 3, "hit_rate": 0.25, "saved_usd": "0.000125"},
    },
}  # fmt: skip
STATS = {
    "tasks": [
        {"task": "parse-command", "paused": False, **numbers(completed=12)},
        {"task": "compensate-content-of-a-very-long-name", "paused": True,
         **numbers(waiting=1234567, active=40, completed=98765432, failed=12345, dead_letters=7,
                   oldest_waiting_s=7300.0, throughput_per_minute=1234.5, success_rate=0.987)},
    ],
    "total": numbers(waiting=1234567, active=40, completed=98765444, failed=12345, dead_letters=7),
    "providers": ["openai"],
}  # fmt: skip
PROVIDER = {
    "name": "openai", "kind": "openai", "configured": True, "paused": False, "breaker": {"state": "half_open"},
    "rate": {"requests": 480, "requests_per_minute": 500},
    "today": {"calls": 98765, "failures": 3, "success_rate": 0.99, "average_latency_ms": 1834.2,
              "input_tokens": 123456789, "output_tokens": 1, "cost_usd": "1234.5"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def answers(api: FakeApi) -> None:
    api.says("GET /api/overview", (200, OVERVIEW))
    api.says("GET /api/stats", (200, STATS))
    api.says("GET /api/providers", (200, {"providers": [PROVIDER]}))


@pytest.fixture
def looking(api: FakeApi, state: StateDirectory) -> Looking:
    cloud = state.cloud()
    assert cloud is not None
    return Looking(Api(local_target(cloud, state)), "embedded cloud")


def test_a_frame_tells_of_queues_providers_and_money(state: StateDirectory) -> None:
    ran = backstay(state, "top", "--once")
    assert ran.exit_code == ExitCode.OK, ran.stderr
    shown = ran.stdout
    assert "degraded  alerts 2 (1 critical, 1 warning)  runs 3, 1 stuck" in shown
    assert "openai: its breaker is open" in shown
    rows = [line.split() for line in shown.splitlines()]
    assert ["parse-command", "0", "0", "0", "12", "0", "0"] in rows
    assert ["openai", "half_open", "480/500", "99k", "99%", "1.8", "s", "123M", "$1,234.50"] in rows
    assert "today $1,234.50 for 98765 calls, 25% of questions from the cache, $0.000125 saved" in shown
    assert "240.0 %" in shown


def test_the_busiest_task_comes_first(state: StateDirectory) -> None:
    shown = backstay(state, "top", "--once").stdout
    assert shown.index("compensate-content") < shown.index("parse-command")


def test_a_frame_fits_into_80_columns(looking: Looking) -> None:
    from cli.top_frame import frame_of

    page = io.StringIO()
    Console(file=page, width=80).print(frame_of(looking.look()))
    lines = page.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    (task,) = [line for line in lines if line.startswith("compensate-content")]
    assert task.split()[-1] == "99%"
    (provider,) = [line for line in lines if line.startswith("openai ")]
    assert provider.rstrip().endswith("$1,234.50")


def test_a_key_of_one_tenant_sees_what_is_its_own(api: FakeApi, state: StateDirectory) -> None:
    api.says("GET /api/providers", (403, {"detail": "providers concern every tenant"}))
    whole = {"status": None, "reasons": None, "alerts": None, "budgets": None}
    api.says("GET /api/overview", (200, {**OVERVIEW, **whole, "tenant": "acme"}))
    ran = backstay(state, "top", "--once")
    assert ran.exit_code == ExitCode.OK, ran.stderr
    assert "parse-command" in ran.stdout
    assert "alerts" not in ran.stdout


def test_json_holds_all_that_a_frame_is_drawn_from(state: StateDirectory) -> None:
    document = json.loads(backstay(state, "top", "--json").stdout)
    assert document["overview"] == OVERVIEW
    assert document["providers"] == [PROVIDER]


def test_it_is_drawn_until_ctrl_c_and_an_api_that_is_away_meanwhile_is_asked_again(
    api: FakeApi, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, pauses = io.StringIO(), iter([None, None, KeyboardInterrupt()])
    api.says("GET /api/overview", (200, OVERVIEW), (503, {"detail": "AWS can't answer now"}), (200, OVERVIEW))

    def pause(seconds: float) -> None:
        assert seconds == 2
        if raised := next(pauses):
            raise raised

    monkeypatch.setattr("cli.top.sleep", pause)
    watch(looking, 2, Console(file=page, force_terminal=True, width=80, height=40))
    assert "AWS can't answer now; asking again" in page.getvalue()
    assert len([call for call, _, _ in api.asked if call == "GET /api/overview"]) == 3


@given(st.integers(0, 10**12 - 1))
def test_whatever_is_counted_takes_five_characters(count: int) -> None:
    assert len(_short(count)) <= 5
