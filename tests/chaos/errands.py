"""Errands by the thousand, from their submission until the last one is done, and what they came to."""

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from backstay.budgets.lapsed import LapsedLeases
from backstay.budgets.periods import Window
from backstay.budgets.store import LedgerStore
from backstay.clock import utc_now
from backstay.jobs.record import JobRecord, State
from backstay.jobs.store import JobStore
from backstay.receipt import Receipt
from tests.chaos.gate import Gate
from tests.chaos.harm import Workers, breaks_now_and_then, harm
from tests.chaos.troubled import Fate, Troubled
from tests.e2e.stack import Stack
from tests.receivers import Receiver

_IN_A_REQUEST = _IN_A_READ = 100
_LOOK_EVERY_S = 1.0
_ERRAND = re.compile(rb"Errand (\d+):")
_LONGER_THAN_ANY_LEASE = timedelta(minutes=5)
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Plan:
    """How many, and for how long."""

    jobs: int
    kills: int
    task: str
    tenants: Sequence[str]
    """By turns; the last one is poor."""
    scopes: Sequence[str]
    """Of the budgets to look at."""
    cost_usd: Decimal
    """Of one answer."""
    harm_s: float
    """After the last one is submitted."""
    within_s: float

    def tenant(self, number: int) -> str:
        """Whose errand it is."""
        return self.tenants[number % len(self.tenants)]


@dataclass
class Found:
    """What came of them. US dollars."""

    jobs: int = 0
    kills: int = 0
    fates: Mapping[Fate, int] = field(default_factory=dict)
    """Of calls to AWS."""
    lost: Mapping[str, int] = field(default_factory=dict)
    """Jobs that did not complete, by where they stand, or are complete without their effect."""
    doubled: int = 0
    paid_again: int = 0
    """Answers beyond one a job."""
    used_up: int = 0
    """Attempts beyond one a job."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """The latest of each job's, by class."""
    overrun: Decimal = _NOTHING
    """The most that was spent and reserved beyond a limit, at any look."""
    leaked: Decimal = _NOTHING
    """Still reserved after the last lease was settled."""
    spent: Decimal = _NOTHING
    billed: Decimal = _NOTHING
    uncertain: Decimal = _NOTHING
    waited_for_money: int = 0
    """Jobs, when the poor tenant's limit was raised."""
    took_s: float = 0

    @property
    def untold(self) -> Decimal:
        """What was billed, and is not in the ledger."""
        return max(_NOTHING, self.billed - self.spent)

    @property
    def unfounded(self) -> Decimal:
        """What is in the ledger, and was neither billed nor is listed as uncertain."""
        return max(_NOTHING, self.spent - self.uncertain - self.billed)


@dataclass
class Errands:
    """One run of them.

    Args:
        plan: how many.
        stack: where.
        tables: names by the environment variable that tells functions of them.
        providers: primary and secondary.
        outside: where the effects are.
        way: on which functions reach AWS.
        step: told of each that is done.
    """

    plan: Plan
    stack: Stack
    tables: Mapping[str, str]
    providers: Sequence[Gate]
    outside: Receiver
    way: Troubled
    step: Callable[[], None]
    workers: Workers = field(default_factory=Workers)
    found: Found = field(default_factory=Found)
    _open: dict[str, JobRecord | None] = field(default_factory=dict)
    """Jobs that are not complete, as they stood at the last look, by id."""
    _done: list[JobRecord] = field(default_factory=list)
    _looked_at: int = 0
    """Requests of the receiver."""

    def play(self) -> Found:
        """Submit, harm, wait, compare."""
        began = time.monotonic()
        self.outside.answers(breaks_now_and_then(0.02))
        with harm(self.workers, self.providers, self.way) as end_harm:
            for first in range(0, self.plan.jobs, _IN_A_REQUEST):
                self._submit(range(first, min(self.plan.jobs, first + _IN_A_REQUEST)))
                self._look()
            ends_at = time.monotonic() + self.plan.harm_s
            while time.monotonic() < ends_at or (self.workers.killed < self.plan.kills and self._open):
                self._look()
            end_harm()
        while self._open and time.monotonic() < began + self.plan.within_s:
            self._look()
            if not self.found.waited_for_money and all(map(_waits_for_money, self._open.values())):
                self._raise_limit()
        self.found.took_s = time.monotonic() - began
        return self._compared()

    def _submit(self, numbers: Iterable[int]) -> None:
        """Each with its natural key."""
        jobs = [
            {
                "task": self.plan.task,
                "tenant": self.plan.tenant(number),
                "input": {"number": number, "url": self.outside.url()},
            }
            for number in numbers
        ]
        answers = self.stack.post("/api/jobs/batch", {"jobs": jobs})["answers"]
        self._open |= dict.fromkeys(answer["job"]["id"] for answer in answers)
        self.found.jobs += len(answers)

    def _look(self) -> None:
        """At whoever is at work, at all budgets, and at all jobs that are still open."""
        time.sleep(_LOOK_EVERY_S)
        received = self.outside.received[self._looked_at :]
        self._looked_at += len(received)
        self.workers.note(json.loads(one.body)["pid"] for one in received)
        for budget in self._ledger.read([*self.plan.scopes]).values():
            for account in budget.accounts.values():
                if account.is_hard:
                    over = account.spent + budget.reserved - account.limit_usd
                    self.found.overrun = max(self.found.overrun, over)
        self._read_jobs()

    def _read_jobs(self) -> None:
        store, ids = JobStore(self.tables["BACKSTAY_JOBS_TABLE"]), list(self._open)
        for first in range(0, len(ids), _IN_A_READ):
            for record in store.get_many(ids[first : first + _IN_A_READ]):
                self._open[record.id] = record
                if record.state is State.COMPLETED:
                    self._done.append(record)
                    del self._open[record.id]
                    self.step()

    def _raise_limit(self) -> None:
        """So that all may go on who wait for money."""
        self.found.waited_for_money = len(self._open)
        path = f"/api/budgets/tenant%3A{self.plan.tenants[-1]}/daily"
        self.stack.request("PUT", path, {"limit": 50}).raise_for_status()

    def _compared(self) -> Found:
        found = self.found
        effects = defaultdict(set)
        for request in self.outside.received:
            effects[json.loads(request.body)["number"]].add(request.headers["idempotency-key"])
        found.doubled = sum(len(keys) - 1 for keys in effects.values())
        had_effect = {key for keys in effects.values() for key in keys}
        lost = [f"{record.state}: {record.reason}" if record else "never read" for record in self._open.values()]
        lost += ["completed without effect" for record in self._done if record.id not in had_effect]
        found.lost = Counter(lost)
        found.kills, found.fates = self.workers.killed, self.way.fates
        records = [*self._done, *filter(None, self._open.values())]
        found.used_up = sum(max(0, record.attempts - 1) for record in records)
        found.failures = Counter(str(record.failures[-1].error_class) for record in records if record.failures)
        self._compare_money()
        return found

    def _compare_money(self) -> None:
        """The ledger with the bill, once the leases of the killed have been settled, as the sweep does in time."""
        found = self.found
        store = JobStore(self.tables["BACKSTAY_JOBS_TABLE"])

        def receipt_of(job_id: str) -> Receipt | None:
            record = store.get(job_id)
            return record.receipt if record else None

        later = LapsedLeases(self._table, receipt_of, lambda: utc_now() + _LONGER_THAN_ANY_LEASE)
        while (settled := later.settle(lambda: False)).certain or settled.uncertain:
            continue
        bills = Counter(
            number.group(1)
            for provider in self.providers
            for passage in provider.passages
            if passage.answered and (number := _ERRAND.search(passage.asked))
        )
        found.paid_again = sum(count - 1 for count in bills.values())
        found.billed = sum(bills.values()) * self.plan.cost_usd
        budgets = self._ledger.read([*self.plan.scopes])
        found.spent = budgets["total"].accounts[Window.DAILY].spent
        found.leaked = max(budget.reserved for budget in budgets.values())
        listed = self._ledger.uncertain(100_000)
        found.uncertain = sum((holding.usd for one in listed for holding in one.holdings), _NOTHING)

    @property
    def _table(self) -> str:
        return self.tables["BACKSTAY_GUARDS_TABLE"]

    @property
    def _ledger(self) -> LedgerStore:
        return LedgerStore(self._table)


def _waits_for_money(record: JobRecord | None) -> bool:
    return record is not None and record.state is State.DELAYED and record.budget is not None
