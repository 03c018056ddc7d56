"""Processes full of callers that spend from shared budgets, and are killed at any moment."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from backstay import aws
from backstay.budgets.entry import Ask
from backstay.budgets.ledger import Ledger
from backstay.config import parse
from backstay.errors import WorkError

MOST = Decimal("0.01")
"""What one call can cost, in US dollars."""
CENT_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Spending:
    """What each process does."""

    environment: Mapping[str, str]
    table: str
    toml: str
    counted: Path
    """A folder: what the provider's server has counted, a file a process, a line a call."""
    callers: int
    calls: int
    """Of each caller."""
    call_s: float = 0.02
    troubles: float = 0.1
    """The part of all transactions that meets another one, is throttled, or is made without an answer."""


@contextmanager
def spending(spending: Spending, processes: int) -> Iterator[list[BaseProcess]]:
    """So many processes at work; they are gone at the end."""
    spawn = multiprocessing.get_context("spawn")
    children: list[BaseProcess] = [spawn.Process(target=_spend, args=(spending, n)) for n in range(processes)]
    for child in children:
        child.start()
    try:
        yield children
    finally:
        for child in children:
            child.kill()
            child.join()


def kill(child: BaseProcess) -> None:
    """Between any two instructions."""
    os.kill(child.pid or 0, signal.SIGKILL)


def counted_usd(folder: Path) -> Decimal:
    """What the server has counted in all."""
    lines = (line for file in folder.iterdir() for line in file.read_text().splitlines())
    return sum(map(Decimal, lines), Decimal(0))


def _spend(spending: Spending, number: int) -> None:
    os.environ.clear()
    os.environ.update(spending.environment)
    _make_trouble(spending.troubles)
    ledger = Ledger(parse(spending.toml).budgets, spending.table)
    file = os.open(spending.counted / f"{number}-{os.getpid()}", os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def call(_: int) -> None:
        scopes = ("total", f"tenant:t{random.randrange(3)}")
        try:
            reservation = ledger.reserve(Ask(MOST, scopes, spending.call_s))
        except WorkError:
            return
        usd = MOST * random.randrange(CENT_PARTS) / CENT_PARTS
        os.write(file, f"{usd}\n".encode())
        time.sleep(spending.call_s * random.random())
        reservation.settle(usd)

    with ThreadPoolExecutor(spending.callers) as threads:
        list(threads.map(call, range(spending.callers * spending.calls)))
    ledger.settle_all()


def _make_trouble(part: float) -> None:
    """What DynamoDB does under load, and an emulator does not."""
    client = aws.dynamodb_for_guards()
    transact = client.transact_write_items

    def troubled(**request: Any) -> Any:
        match random.choice(["conflict", "throttle", "lost"]) if random.random() < part else "":
            case "conflict":
                reasons = [{"Code": "TransactionConflict"} for _ in request["TransactItems"]]
                raise _refusal("TransactionCanceledException", CancellationReasons=reasons)
            case "throttle":
                raise _refusal("ThrottlingException")
            case "lost":
                transact(**request)
                raise ReadTimeoutError(endpoint_url="x")
            case _:
                return transact(**request)

    client.transact_write_items = troubled  # type: ignore[method-assign]


def _refusal(code: str, **more: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": code}, **more}
    return ClientError(answer, "TransactWriteItems")
