"""Our ledger on the emulator's DynamoDB: processes that spend at once, that are killed, and what a batch asks of it."""

import random
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from backstay import aws
from backstay.budgets.batch import Batch
from backstay.budgets.budget import Budget
from backstay.budgets.entry import Ask
from backstay.budgets.lapsed import LapsedLeases
from backstay.budgets.ledger import Ledger
from backstay.budgets.periods import Window
from backstay.budgets.store import LedgerStore
from backstay.clock import utc_now
from backstay.config import parse
from cli.local.environment import aws_environment
from tests.contract import spenders
from tests.contract.clouds import Cloud, unique

CAP = Decimal("0.50")
TOML = f"[budgets.total]\nyearly = {CAP}\n[budgets.tenants.t0]\nyearly = 0.1"


@pytest.fixture
def environment(emulator: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """What this process and those of a fleet are told."""
    told = aws_environment(str(emulator.endpoint_url), tmp_path)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    aws.forget_clients()
    return told


@pytest.fixture
def table(emulator: Cloud, environment: Mapping[str, str]) -> str:
    """An empty guards table."""
    name = unique("guards")
    keys = ("list", "HASH"), ("listed_at", "RANGE")
    emulator.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("id", "list", "listed_at")],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_list",
                "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    return name


def look(table: str) -> dict[str, Budget]:
    """The budgets, of which each must hold at every moment."""
    budgets = LedgerStore(table).read(["total", "tenant:t0", "tenant:t1", "tenant:t2"])
    for budget in budgets.values():
        account = budget.accounts[Window.YEARLY]
        assert account.spent + budget.reserved + account.left == account.limit_usd
        assert not account.is_hard or account.left >= 0
    return budgets


def test_processes_that_spend_at_once_and_are_killed_never_pass_a_limit_and_leave_nothing_reserved(
    table, environment, tmp_path
):
    counted = tmp_path / "counted"
    counted.mkdir()
    work = spenders.Spending(environment, table, TOML, counted, callers=8, calls=8)
    with spenders.spending(work, processes=5) as children:
        victims, kill_at = children[:2], time.monotonic() + 60
        while any(child.is_alive() for child in children):
            spent = look(table).get("total")
            if victims and spent and spent.accounts[Window.YEARLY].spent > CAP / 10 * (3 - len(victims)):
                spenders.kill(victims.pop())
            assert time.monotonic() < kill_at, "the callers come to an end"
            time.sleep(random.uniform(0, 0.05))
    later = LapsedLeases(table, lambda _: None, lambda: utc_now() + timedelta(minutes=5))
    settled = later.settle(lambda: False)
    budgets, seen = look(table), spenders.counted_usd(counted)
    assert [budget.reserved for budget in budgets.values()] == [0] * len(budgets)
    uncertain = sum(
        (holding.usd for listed in LedgerStore(table).uncertain(100) for holding in listed.holdings), Decimal(0)
    )
    spent = budgets["total"].accounts[Window.YEARLY].spent
    assert settled.certain == 0
    assert seen <= spent <= seen + uncertain, "above what was counted by no more than what is listed"
    assert spent <= CAP
    assert spent > CAP - 10 * spenders.MOST, "what is there is used"


def test_a_full_batch_of_ten_asks_twice(table, environment):
    running = Batch()
    ledger, asked = Ledger(parse("").budgets, table, running=running), []
    aws.dynamodb_for_guards().meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    scopes = ("total", "provider:openai", "tenant:acme", "task:obey", "key:k")
    ledger.reserve(Ask(Decimal("0.01"), scopes, 1)).release()
    asked.clear()
    batches = 10

    def work(number: int, started: threading.Barrier) -> None:
        started.wait()
        time.sleep(random.uniform(0, 0.01))  # jobs come to their first calls a little apart
        reservation = ledger.reserve(Ask(Decimal("0.01"), scopes, 1))
        time.sleep(random.uniform(0.05, 0.2))
        reservation.settle(Decimal("0.002"))

    with ThreadPoolExecutor(10) as threads:
        for _ in range(batches):
            started = threading.Barrier(10)
            with running.of(10):
                list(threads.map(work, range(10), [started] * 10))
    assert set(asked) == {"TransactWriteItems"}
    assert len(asked) <= 2 * batches * 1.2, "a batch whose jobs come late, on a busy machine, asks once more"
    assert look(table)["total"].accounts[Window.DAILY].spent == Decimal("0.2")
