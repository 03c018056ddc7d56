"""A budget's alarm and its ledger tell of the same budget, and people are told once."""

import uuid
from collections.abc import Iterator

import pytest

from .stack import Json, Stack

pytestmark = pytest.mark.e2e

SCOPE, RULES = "provider:openai", ("warning", "critical", "emergency")
_BUDGET = f"/api/budgets/{SCOPE}/daily"


@pytest.fixture
def small_budget(stack: Stack) -> Iterator[None]:
    """A soft limit, which refuses no other test's calls."""
    stack.request("PUT", _BUDGET, {"limit": "0.01", "hard": False}).raise_for_status()
    yield
    stack.request("DELETE", _BUDGET).raise_for_status()


@pytest.mark.usefixtures("small_budget")
def test_the_alarm_and_the_ledger_join_into_one_alert_for_each_threshold(stack: Stack) -> None:
    used = {"provider": "openai", "model": "gpt-5.6-luna", "cost_usd": "0.0097", "idempotency_key": uuid.uuid4().hex}
    stack.post("/api/usage", used)

    def told_by_both() -> list[Json] | None:
        every = stack.get("/api/alerts", limit="100")["alerts"]
        found = [one for one in every if one["source"] == f"{SCOPE}.daily" and one["rule"].startswith("cost.budget_")]
        return found if len(found) >= len(RULES) and all(alert["count"] >= 2 for alert in found) else None

    alerts = stack.until(told_by_both, 180)
    assert sorted(alert["rule"] for alert in alerts) == sorted(f"cost.budget_{rule}" for rule in RULES)
