"""What follows from the ledger's stream: people are told once at each threshold, and jobs go on after a raise."""

import json
import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backstay.alerts.occurrence import Occurrence
from backstay.budgets import items
from backstay.budgets.budget import Budget, Limit, Posting
from backstay.budgets.changes import changes_of
from backstay.budgets.periods import Window
from backstay.catalog import Catalog
from backstay.config import parse
from backstay.errors import ErrorClass, Failure
from backstay.jobs.parked import WAKE_TASK
from backstay.receipt import Receipt
from follow_ledger.following import LedgerFollower
from tests.integration.conftest import make_queues

SETTINGS = parse('[providers.house]\nkind = "compatible"\nbase_url = "https://x.example.com"')
PERIODS = {Window.DAILY: "2026-11-25", Window.MONTHLY: "2026-11", Window.YEARLY: "2026"}
FUNCTIONS = Path(__file__).parents[3] / "functions"


class Stream:
    """Records as the table's stream has them."""

    def __init__(self, scope: str, **limits: str) -> None:
        hard = {Window(window): Limit(Decimal(usd)) for window, usd in limits.items()}
        self.now, self.records = Budget.new(scope, hard, PERIODS), list[Any]()

    def becomes(self, after: Budget) -> None:
        self.records.append(
            {
                "eventID": f"{after.scope}-{len(self.records)}",
                "dynamodb": {"OldImage": items.to_item(self.now), "NewImage": items.to_item(after)},
            }
        )
        self.now = after

    def spend(self, usd: str) -> None:
        self.becomes(self.now.after(Posting(spent=Decimal(usd))))

    def limit(self, window: Window, usd: str | None) -> None:
        self.becomes(self.now.with_limit(window, Limit(Decimal(usd)) if usd else None, by_hand=True))


@pytest.fixture
def told() -> list[Occurrence]:
    return []


@pytest.fixture
def follower(machine, tmp_path, told) -> LedgerFollower:
    for folder in (FUNCTIONS / "wake_parked_jobs", Path(__file__).parents[2] / "tasks" / "obey"):
        (tmp_path / folder.name).symlink_to(folder)
    catalog = Catalog(tmp_path)
    make_queues(catalog)
    return LedgerFollower(machine.env, SETTINGS, catalog, told.append, machine.clock)


def test_people_are_told_of_the_scope_the_window_and_what_is_spent(follower, told):
    stream = Stream("tenant:acme", daily="10", yearly="1000")
    stream.spend("9.5")
    follower.follow(stream.records)
    assert [one.rule for one in told] == ["cost.budget_warning", "cost.budget_critical", "cost.budget_emergency"]
    assert {(one.source, one.once_in, one.tenant) for one in told} == {("tenant:acme.daily", "2026-11-25", "acme")}
    assert told[0].details["spent"] == "9.5"


def test_however_spends_are_cut_into_batches_each_threshold_is_crossed_once_in_each_window(follower, told):
    chance, stream = random.Random(4), Stream("total", daily="10", monthly="10.5", yearly="11")
    for _ in range(400):
        stream.spend("0.03")
    while stream.records:
        batch = chance.randint(1, 40)
        follower.follow(stream.records[:batch])
        del stream.records[:batch]
    assert Counter((one.rule, one.source) for one in told) == {
        (f"cost.budget_{level}", f"total.{window}"): 1
        for level in ("warning", "critical", "emergency")
        for window in ("daily", "monthly", "yearly")
    }


def test_a_batch_that_comes_again_tells_the_very_same(follower, told):
    stream = Stream("total", daily="10")
    stream.spend("8")
    follower.follow(stream.records)
    follower.follow(stream.records)
    first, second = told
    assert (first.id, first.condition, first.once_in) == (second.id, second.condition, second.once_in)


def test_how_much_is_used_becomes_metrics_of_the_whole_and_of_providers_only(follower, capsys):
    for scope in ("total", "provider:house", "tenant:acme"):
        stream = Stream(scope, daily="10")
        stream.spend("1")
        stream.spend("1.5")
        follower.follow(stream.records)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["Scope"], line["Window"], line["BudgetUsedPercent"]) for line in lines] == [
        ("total", "daily", [25.0]),
        ("provider:house", "daily", [25.0]),
    ]


def wakings(machine, follower) -> list[dict[str, Any]]:
    return [json.loads(message["body"])["input"] for message in machine.receive(WAKE_TASK)]


def park(machine, budget: str) -> None:
    job = machine.submit("obey", {}, tenant="acme")
    claimed = machine.store.claim(job.id, "obey", machine.clock(), timedelta(seconds=60), 1)
    failure = Failure(ErrorClass.BUDGET_EXCEEDED, "used up", budget=budget)
    due = machine.clock() + timedelta(hours=2)
    machine.store.save(claimed, claimed.parked(machine.clock(), due, failure, Receipt()))


def test_a_raised_limit_wakes_whoever_waits_for_it_once(machine, follower):
    park(machine, "tenant:acme daily")
    stream = Stream("tenant:acme", daily="1", monthly="5")
    stream.limit(Window.DAILY, "2")
    follower.follow(stream.records)
    follower.follow(stream.records)
    assert {tuple(one.values()) for one in wakings(machine, follower)} == {("tenant:acme", "daily")}


@pytest.mark.parametrize(
    ("window", "usd", "wakes"),
    [
        (Window.DAILY, "0.5", False),
        (Window.MONTHLY, "9", False),
        (Window.YEARLY, "9", False),
        (Window.DAILY, None, True),
    ],
)
def test_only_more_money_where_it_was_short_wakes_anybody(machine, follower, window, usd, wakes):
    park(machine, "tenant:acme daily")
    stream = Stream("tenant:acme", daily="1", monthly="5")
    stream.limit(window, usd)
    follower.follow(stream.records)
    assert bool(wakings(machine, follower)) is wakes


def test_what_is_no_budget_is_passed_over():
    lease = {"eventID": "1", "dynamodb": {"NewImage": {"id": {"S": "lease#x"}}}}
    gone = {"eventID": "2", "dynamodb": {"OldImage": {"id": {"S": "budget#total"}}}}
    assert list(changes_of([lease, gone])) == []
