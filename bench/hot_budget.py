"""How many jobs a second one stage can pay for: every batch's transactions meet on the item of the budget `total`.

The ledger and botocore are real. In the table's stead stands what DynamoDB does to transactions that meet: while one
holds an item, another that wants it is cancelled. An emulator would let them queue, and tell nothing.
"""

import json
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from backstay import aws
from backstay.budget_settings import BudgetsSettings
from backstay.budgets.batch import Batch
from backstay.budgets.entry import Ask
from backstay.budgets.ledger import Ledger
from backstay.errors import WorkError
from bench.canned import answer_of
from bench.cloud import GUARDS, environment
from bench.figures import Figure, Part
from bench.life import BATCH
from bench.run import Run

NAMES = ("hot_budget_jobs_per_s",)
WORKERS = (25, 50, 75, 100, 150)
HOLD_S = 0.010
"""For so long a transaction holds its items; the longer of the 5 to 10 ms that docs/decisions/0017 reckons with."""
MODEL_S = 2.0
_ASK = Ask(Decimal("0.01"), ("total", "provider:anthropic"), lasts_s=60)


@dataclass
class Contest:
    """Items that are held, and what came of the transactions that wanted them."""

    made: int = 0
    cancelled: int = 0
    _held: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def transact(self, items: Sequence[str]) -> bool:
        """Hold these items for a transaction's time; False at once where another holds one of them."""
        with self._lock:
            if not self._held.isdisjoint(items):
                self.cancelled += 1
                return False
            self._held.update(items)
        time.sleep(HOLD_S)
        with self._lock:
            self._held.difference_update(items)
            self.made += 1
        return True

    def answer(self, request: Any, **_: object) -> Any:
        """What botocore is answered to a request that it is about to send."""
        asked = json.loads(request.body)
        if "TransactItems" not in asked:
            return answer_of(request.url, {"Responses": {}, "UnprocessedKeys": {}})
        items = [_key(action) for action in asked["TransactItems"]]
        if self.transact(items):
            return answer_of(request.url, {})
        reasons = [{"Code": "TransactionConflict"}] * len(items)
        return answer_of(
            request.url, {"__type": "TransactionCanceledException", "CancellationReasons": reasons}, status=400
        )


@dataclass(frozen=True, slots=True)
class Level:
    """So many workers for a while."""

    workers: int
    jobs_per_s: float
    refused: int
    """Batches whose call was not made."""
    batches: int
    tries: float
    """Of a transaction, on the average."""


def measure(run: Run) -> list[Figure]:
    """Ever more workers, each with full batches."""
    levels, seconds = (WORKERS[:2], 6.0) if run.quick else (WORKERS, 12.0)
    with run.progress("the hot budget", len(levels)) as step:
        found = []
        for workers in levels:
            found.append(compete(workers, seconds))
            step()
    return [figure(found)]


def figure(levels: Sequence[Level]) -> Figure:
    """The most jobs a second at which every call was made."""
    carried = [level.jobs_per_s for level in levels if not level.refused]
    return Figure(
        "hot_budget_jobs_per_s", max(carried, default=0.0), "jobs/s",
        f"What one stage can pay for: full batches, {MODEL_S:g} s in the model, two transactions a batch that all "
        f"write the item of the budget `total`, which each holds for {1000 * HOLD_S:g} ms.",
        parts=tuple(
            Part(
                f"{level.workers} workers, jobs/s", level.jobs_per_s,
                f"{level.tries:.1f} tries a transaction, {level.refused} of {level.batches} batches came back",
            )
            for level in levels
        ),
        note="The most at which no batch came back. How long items are held is reckoned: docs/capacity.md.",
    )  # fmt: skip


def compete(workers: int, seconds: float) -> Level:
    """Let so many processes' ledgers reserve and settle for their batches."""
    contest, ends_at = Contest(), time.monotonic() + seconds
    with _table(contest), ThreadPoolExecutor(workers) as threads:
        began = time.monotonic()
        done = list(threads.map(lambda _: _work(ends_at), range(workers)))
        lasted = time.monotonic() - began
    batches, refused = (sum(kind) for kind in zip(*done, strict=True))
    tries = (contest.made + contest.cancelled) / contest.made
    return Level(workers, BATCH * (batches - refused) / lasted, refused, batches, tries)


def _work(ends_at: float) -> tuple[int, int]:
    """One process: batch after batch; how many, and of how many the call was refused."""
    running = Batch()
    ledger = Ledger(BudgetsSettings.model_validate({}), GUARDS.name, running=running)
    time.sleep(random.uniform(0, MODEL_S))
    batches = refused = 0
    while time.monotonic() < ends_at:
        batches += 1
        try:
            with running.of(1):
                reservation = ledger.reserve(_ASK)
                time.sleep(MODEL_S)
                reservation.settle(Decimal("0.002"))
        except WorkError:
            refused += 1
    return batches, refused


def _key(action: Mapping[str, Any]) -> str:
    ((_, body),) = action.items()
    key: str = (body.get("Key") or body["Item"])["id"]["S"]
    return key


@contextmanager
def _table(contest: Contest) -> Iterator[None]:
    with environment():
        aws.dynamodb_for_guards().meta.events.register("before-send", contest.answer)
        yield
