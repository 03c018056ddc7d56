"""What was spent, on the embedded cloud: the accounts are the receipts' sum, from every side and through every door."""

import csv
import io
import uuid
from decimal import Decimal

import pytest

from cli.problems import ExitCode

from .conftest import Backstay, ModelServer
from .stack import Json, Stack

pytestmark = pytest.mark.e2e


@pytest.fixture
def spent(stack: Stack, model_server: ModelServer) -> tuple[str, list[Json]]:
    """A tenant whose jobs made two calls and had one answer from the cache; and its jobs' receipts."""
    tenant = f"costs-{uuid.uuid4().hex[:12]}"
    texts = [uuid.uuid4().hex for _ in range(2)]
    receipts = []
    for text in (texts[0], texts[0], texts[1]):
        story = {"id": uuid.uuid4().hex, "title": "A story", "content": text, "sector_tag": "ai"}
        job = stack.submit("enhance-story", story, tenant=tenant, tags=["newsroom", text[:8]])
        receipts.append(stack.wait(job["id"])["receipt"])
    return tenant, receipts


def test_the_accounts_are_the_receipts_sum_from_every_side(
    stack: Stack, spent: tuple[str, list[Json]], backstay: Backstay
) -> None:
    tenant, receipts = spent
    paid = sum(Decimal(receipt["cost_usd"]) for receipt in receipts)
    assert paid > 0

    def costs(by: str) -> Json:
        return stack.get("/api/costs", tenant=tenant, by=by, window="yearly")

    stack.until(lambda: costs("task")["total"]["jobs"] == len(receipts))
    total = costs("task")["total"]
    assert Decimal(total["cost_usd"]) == paid
    assert (total["calls"], total["cache_hits"]) == (2, 1)
    assert Decimal(total["cache_saved_usd"]) == Decimal(receipts[0]["cost_usd"])
    for by in ("provider", "task", "tenant", "model", "operation"):
        assert [Decimal(group["cost_usd"]) for group in costs(by)["groups"]] == [paid]
    tags = {group["name"]: Decimal(group["cost_usd"]) for group in costs("tag")["groups"]}
    assert tags["newsroom"] == paid
    assert len(tags) == 3

    table = backstay("costs", "export", "--tenant", tenant).stdout
    assert sum(Decimal(row["cost_usd"]) for row in csv.DictReader(io.StringIO(table))) == paid
    shown = backstay("costs", "--tenant", tenant, "--by", "model")
    assert "anthropic/claude-haiku-5-5" in shown.stdout, shown.stderr
    assert f"tenant:{tenant}" not in shown.stdout, "it has no limit that could run out"


def test_where_money_could_be_saved_is_asked_of_who_knows_prices(backstay: Backstay, stack: Stack) -> None:
    assert "insights" in stack.get("/api/costs/insights")
    assert backstay("costs", "insights").returncode == ExitCode.OK
