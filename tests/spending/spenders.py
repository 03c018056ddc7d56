"""A process full of jobs that call models, all of them paid from budgets that other processes share, on a table that
does what DynamoDB does under load."""

import itertools
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from backstay import aws, llm
from backstay.budgets.batch import batch
from backstay.budgets.budget import NOTHING, exact
from backstay.budgets.entry import Ask
from backstay.budgets.lease import holdings_from_text
from backstay.budgets.ledger import Ledger, Reservation
from backstay.config import load
from backstay.errors import WorkError
from backstay.llm.process import guards, switchboard
from backstay.llm.routes import Route
from backstay.running import Job, current_job
from tests.spending.journal import Ended, Journal, Opened, Receipted, Reserved, Turned, Wrote
from tests.spending.provider import MOST_OUTPUT, PRICES

TENANTS, KEYS = 6, 12
_LATE_S, _LOOK_EVERY_S = 0.1, 0.02
_PATIENCE = 4
"""Refusals in a row after which a caller gives up."""
_LONGEST_WAIT_S = 1.0
"""Jobs that are parked come back sooner than they are told to: the wait itself is not what is measured."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What each process does."""

    environment: Mapping[str, str]
    journals: Path
    """A folder."""
    processes: int
    """That begin together."""
    callers: int
    """Of each."""
    last_kill: Path
    """A file that is there once nobody else is killed."""
    troubles: float = 0.1
    """The part of all transactions that meets another one, is throttled, is made unanswered, or is made later."""


def spend(spending: Spending, number: int) -> None:
    """Make calls until nobody pays for them any more. Every other process runs its callers as a worker runs its jobs:
    all at once, again and again, as one batch each time.
    """
    os.environ.clear()
    os.environ.update(spending.environment)
    journal, callers = Journal(spending.journals), range(spending.callers)
    _watch_and_trouble(journal, spending.troubles)
    ledger = _watch(journal)
    _wait_for_all(spending)

    def call(caller: int, turn: int) -> float:
        return _call(f"t.{number}-{caller}-{turn}", journal)

    with ThreadPoolExecutor(spending.callers) as threads:
        if number % 2:
            _while_paid(lambda turn: _batch_of(threads, [partial(call, caller, turn) for caller in callers]), spending)
        else:
            list(threads.map(lambda caller: _while_paid(partial(call, caller), spending), callers))
    ledger.settle_all()


def _wait_for_all(spending: Spending) -> None:
    """What takes long is loaded; begin when all others are as far."""
    for name in PRICES:
        switchboard().provider(Route(name, "small"))
    while sum(1 for _ in spending.journals.iterdir()) < spending.processes:
        time.sleep(_LOOK_EVERY_S)


def _while_paid(work: Callable[[int], float], spending: Spending) -> None:
    """Again and again, a little apart where it was refused; by turns."""
    refusals = 0
    for turn in itertools.count():
        wait_s = work(turn)
        refusals = refusals + 1 if wait_s else 0
        if refusals >= _PATIENCE and spending.last_kill.exists():
            return
        time.sleep(wait_s)


def _batch_of(threads: ThreadPoolExecutor, calls: Sequence[Callable[[], float]]) -> float:
    with batch.of(len(calls)):
        return min(threads.map(lambda call: call(), calls))


def _call(job_id: str, journal: Journal) -> float:
    """One job; answers after how many seconds to come back where it was refused, else 0."""
    tenant, key = f"t{random.randrange(TENANTS)}", f"k{random.randrange(KEYS)}"
    job, wait_s = Job(id=job_id, task="spend", tenant=tenant, key_id=key), 0.0
    current_job.set(job)
    try:
        llm.complete(job.id, cache=False, max_output_tokens=MOST_OUTPUT)
    except WorkError as error:
        wait_s = random.uniform(0.1, 1) * min(_LONGEST_WAIT_S, error.failure.retry_after_s or _LONGEST_WAIT_S)
    prices = {call.reservation: call.cost_usd for call in job.calls if call.cost_usd is not None}
    journal.note(Receipted(job.id, prices))
    return wait_s


def _watch(journal: Journal) -> "_WatchedLedger":
    """Put a ledger that notes what it is asked into the process's guards."""
    env_guards = guards()
    if env_guards is None:
        raise RuntimeError("the environment names no guards table")
    ledger = _WatchedLedger(journal)
    env_guards._ledger = ledger
    return ledger


class _WatchedLedger(Ledger):
    def __init__(self, journal: Journal) -> None:
        super().__init__(load().budgets, os.environ["BACKSTAY_GUARDS_TABLE"])
        self._journal = journal
        self._decided: dict[int, float] = {}
        """When each refusal was; whoever was refused may learn of it much later."""

    def _answer_refused(self, open_: Sequence[Any], refused: Any) -> None:
        super()._answer_refused(open_, refused)
        for waiting in open_:
            if isinstance(waiting.answer, WorkError):
                self._decided.setdefault(id(waiting.answer), self._journal.now())

    def reserve(self, ask: Ask) -> Reservation:
        try:
            reservation = super().reserve(ask)
        except WorkError as error:
            decided, failure = self._decided.pop(id(error), self._journal.now()), error.failure
            self._journal.note(Turned(decided, failure.error_class, failure.message, ask.usd, ask.scopes))
            raise
        provider = ask.scopes[1].partition(":")[2]
        at, usd = self._journal.now(), exact(ask.usd)
        self._journal.note(Reserved(at, ask.job_id or "", provider, reservation.id, usd, ask.scopes))
        return _Watched(reservation, usd, self._journal)


class _Watched(Reservation):
    """Notes an end after the caller has been told that all is done."""

    def __init__(self, reservation: Reservation, most: Decimal, journal: Journal) -> None:
        super().__init__(reservation._holding, reservation._end)
        self._most, self._journal = most, journal

    def settle(self, usd: Decimal, **counted: int) -> None:
        self._note(partial(super().settle, usd, **counted), exact(usd))

    def release(self) -> None:
        self._note(super().release, NOTHING)

    def give_up(self) -> None:
        self._note(super().give_up, self._most)

    def _note(self, end: Callable[[], None], usd: Decimal) -> None:
        had_ended = self._ended
        end()
        if not had_ended:
            self._journal.note(Ended(self._journal.now(), self.id, usd))


def _watch_and_trouble(journal: Journal, part: float) -> None:
    """At the table's client: note every transaction, and do to some what an emulator does not."""
    client = aws.dynamodb_for_guards()
    transact = client.transact_write_items

    def noted(**request: Any) -> Any:
        begin, refused, done = journal.now(), False, False
        item = request["TransactItems"][0]["Put"]["Item"]
        lease = item["id"]["S"].partition("#")[2]
        if item["version"]["N"] == "1":
            journal.note(Opened(lease))
        held = holdings_from_text(item["holdings"]["S"], lease)
        try:
            answer = _troubled(transact, request, part)
            done = True
        except ClientError as error:
            reasons: Any = error.response.get("CancellationReasons", ())
            refused = any(reason["Code"] == "ConditionalCheckFailed" for reason in reasons)
            raise
        finally:
            names = tuple(holding.name for holding in held)
            journal.note(Wrote(begin, journal.now(), refused, done, names))
        return answer

    client.transact_write_items = noted  # type: ignore[method-assign]


def _troubled(transact: Any, request: Mapping[str, Any], part: float) -> Any:
    match random.choice(["conflict", "throttle", "lost", "late"]) if random.random() < part else "":
        case "conflict":
            reasons = [{"Code": "TransactionConflict"} for _ in request["TransactItems"]]
            raise _refusal("TransactionCanceledException", CancellationReasons=reasons)
        case "throttle":
            raise _refusal("ThrottlingException")
        case "lost":
            transact(**request)
            raise ReadTimeoutError(endpoint_url="x")
        case "late":
            threading.Timer(_LATE_S, _make_late, (transact, request)).start()
            raise ReadTimeoutError(endpoint_url="x")
        case _:
            return transact(**request)


def _make_late(transact: Any, request: Mapping[str, Any]) -> None:
    with suppress(ClientError):  # by now another write may have taken its place
        transact(**request)


def _refusal(code: str, **more: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": code}, **more}
    return ClientError(answer, "TransactWriteItems")
