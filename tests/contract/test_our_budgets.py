"""Our ledger on the emulator's DynamoDB: processes that spend at once, that are killed, and what a batch asks of it."""

import os
import random
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from backstay import aws
from backstay.budgets.batch import Batch
from backstay.budgets.entry import Ask
from backstay.budgets.ledger import Ledger
from backstay.budgets.periods import Window
from backstay.budgets.store import LedgerStore
from backstay.config import parse
from cli.local.environment import aws_environment
from tests.contract.clouds import Cloud, unique
from tests.spending import fleet


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


def test_processes_that_spend_at_once_and_are_killed_never_pass_a_limit_and_leave_nothing_reserved(table, environment):
    plan = fleet.Plan(cap=Decimal("0.40"), processes=3, callers=8, kills=2, kill_every=4)
    found = fleet.run(plan, table, {**os.environ, **environment})
    assert found.kills == plan.kills
    assert (found.overrun, found.astray, found.leaked) == (0, 0, 0)
    assert found.error == 0, "every answered call is spent at what was billed, all others at their most"
    assert found.spent >= found.billed > 0


def test_a_full_batch_of_ten_asks_twice(table, environment, monkeypatch):
    for patience in ("_COMPANY_S", "_STRAGGLER_S", "_OWED_FOR_S"):
        monkeypatch.setattr(f"backstay.budgets.ledger.{patience}", 3600)  # however busy the machine is
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
    assert len(asked) == 2 * batches
    assert LedgerStore(table).read(["total"])["total"].accounts[Window.DAILY].spent == Decimal("0.2")
