"""What the guards ask of their table for a call of a model: one process that runs full batches of ten."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from backstay import aws, llm
from backstay.budgets.batch import batch
from backstay.running import Job, current_job
from bench import prices
from bench.capacity import Item, index_write_units, table_write_units
from bench.cloud import GUARDS
from bench.figures import Figure, Part, itemised
from bench.life import BATCH
from bench.loopback import loopback
from bench.meter import written
from bench.run import Run
from bench.work import text_of

GUARDS_USD = "usd_guards_per_million_jobs"
NAMES = ("guard_writes_per_call", "budget_calls_per_job", GUARDS_USD)
_BATCHES, _EVERY_S = 12, 1.0  # as with a model that takes a second
_LEDGERS = ("TransactWriteItems", "BatchGetItem")
_A_TRANSACTION = 2
"""Units of a transaction for one of a plain write: it prepares and commits."""


@dataclass
class _Asked:
    """What was asked of the guards table."""

    writes: int = 0
    """Of single items."""
    ledger: int = 0
    """Requests of the budgets' ledger, reads among them."""
    items: int = 0
    """In its transactions."""
    units: float = 0.0
    """Of writes, that its transactions cost."""
    stands: dict[str, Item] = field(default_factory=dict)

    def note(self, model: Any, params: Mapping[str, Any], **_: object) -> None:
        """One request, before it is made."""
        self.writes += model.name in ("PutItem", "UpdateItem")
        self.ledger += model.name in _LEDGERS
        if model.name == "TransactWriteItems":
            actions = written(model.name, params)
            self.items += len(actions)
            self.units += _A_TRANSACTION * sum(self._units(item) for _, item in actions)

    def _units(self, item: Item) -> int:
        """Budgets stay as large as they are; a lease is written whole."""
        name = item["id"]["S"]
        before = self.stands.get(name) or _read(name)
        after = item if len(item) > 1 else before
        self.stands[name] = after
        return table_write_units(before, after) + index_write_units(GUARDS, before, after)


def _read(name: str) -> Item:
    answer = aws.dynamodb().get_item(TableName=GUARDS.name, Key={"id": {"S": name}}, ConsistentRead=True)
    return answer.get("Item", {})


def measure(run: Run) -> list[Figure]:
    """After one batch that makes what there is to make: budgets, lots of the rate, connections."""
    with run.progress("guards", 1) as step, loopback(), ThreadPoolExecutor(BATCH) as threads:
        _run_batch(threads, 0)
        asked = _Asked()
        events = aws.dynamodb_for_guards().meta.events
        events.register("provide-client-params.dynamodb", asked.note)
        for number in range(1, _BATCHES + 1):
            time.sleep(_EVERY_S)
            _run_batch(threads, number)
        events.unregister("provide-client-params.dynamodb", asked.note)
        step()
    return [_writes(asked), _budget_calls(asked), _usd(asked)]


def _run_batch(threads: ThreadPoolExecutor, number: int) -> None:
    with batch.of(BATCH):
        list(threads.map(_ask, range(BATCH * number, BATCH * (number + 1))))


def _ask(number: int) -> None:
    current_job.set(Job(id=f"bench.{number:024}", tenant="bench", key_id="bench"))
    llm.complete(text_of(number), cache=False)


def _writes(asked: _Asked) -> Figure:
    calls = _BATCHES * BATCH
    return Figure(
        "guard_writes_per_call", asked.writes / calls, "writes",
        "Writes of single items to the guards table for one call, refused ones counted: a full batch of ten a second.",
        at_most=0.1, parts=(Part("writes", asked.writes), Part("calls", calls)),
    )  # fmt: skip


def _budget_calls(asked: _Asked) -> Figure:
    jobs = _BATCHES * BATCH
    return Figure(
        "budget_calls_per_job", asked.ledger / jobs, "requests",
        "Requests of DynamoDB to reserve and settle a job's money in five budgets: full batches, one call a job.",
        at_most=0.2,
        parts=(
            Part("requests", asked.ledger),
            Part("jobs", jobs),
            Part("transaction items a job", asked.items / jobs),
            Part("write units a job", asked.units / jobs, "a transaction's are twice those of plain writes"),
        ),
    )  # fmt: skip


def _usd(asked: _Asked) -> Figure:
    a_unit = 1_000_000 / (_BATCHES * BATCH) * prices.DYNAMODB_WRITE_UNIT
    return itemised(
        GUARDS_USD, "USD",
        "What the guards write for a million jobs of one model call each, at list prices: full batches, five budgets.",
        (
            Part("budgets", asked.units * a_unit, "reserved and settled in one transaction each a batch"),
            Part("rates and seats", asked.writes * a_unit, "lots that a process takes for seconds"),
        ),
        note="Beside usd_per_million_jobs, and not in it. Jobs that come one by one pay ten times as much.",
    )  # fmt: skip
