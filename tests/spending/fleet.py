"""Processes that spend at once from the same budgets, some of them killed at any moment and replaced; and what came of
it, held against what the provider has billed."""

import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from multiprocessing.process import BaseProcess
from pathlib import Path

from backstay.budgets.budget import Budget
from backstay.budgets.lapsed import LapsedLeases
from backstay.budgets.lease import SHARDS, Holding
from backstay.budgets.periods import Window
from backstay.budgets.scope import limits_of
from backstay.budgets.store import LedgerStore
from backstay.clock import utc_now
from backstay.config import parse
from backstay.receipt import Call, Receipt
from tests.spending.audit import History, by_reservation, false_refusals
from tests.spending.journal import Event, Opened, Receipted, Reserved, Turned, Wrote, all_events, events_of
from tests.spending.provider import PRICES, Provider, provider
from tests.spending.spenders import KEYS, TENANTS, Spending, spend

_CONFIG = """
[routes]
default = ["north/small", "south/small"]
[budgets.total]
yearly = {total}
[budgets.providers.north]
yearly = {provider}
[budgets.providers.south]
yearly = {provider}
[budgets.tenants."*"]
yearly = {tenant}
[budgets.tasks.spend]
yearly = {total}
[budgets.keys."*"]
yearly = {key}
"""
_PROVIDER = """
[providers.{name}]
kind = "compatible"
base_url = "{url}/{name}/v1"
timeout_s = 3
concurrency = 1000
breaker = {{ failure_threshold = 1_000_000 }}
[prices."{name}/small"]
input = {input}
output = {output}
"""
_LONGER_THAN_ANY_LEASE = timedelta(minutes=5)
_LOOK_EVERY_S = 0.05
_NO_KILL_S = 10.0
"""After so long without one somebody is killed even if no more calls are paid for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a fleet, and what befalls it."""

    cap: Decimal
    """Of the whole, in US dollars; every provider, tenant and key has a part of it."""
    processes: int
    callers: int
    """Of each process."""
    kills: int
    kill_every: int
    """Calls that are billed between two kills."""
    longest_s: float = 600


@dataclass
class Found:
    """What came of it. US dollars."""

    kills: int = 0
    looks: int = 0
    """How often all budgets were read while the fleet was at work."""
    overrun: Decimal = Decimal(0)
    """The most that was spent and reserved beyond any limit, at any look."""
    astray: Decimal = Decimal(0)
    """The most by which spent + reserved + left differed from a limit, at any look."""
    leaked: Decimal = Decimal(0)
    """Still reserved in any budget after the last lease was settled."""
    spent: Decimal = Decimal(0)
    billed: Decimal = Decimal(0)
    uncertain: Decimal = Decimal(0)
    error: Decimal = Decimal(0)
    """By how much what is spent differs from the bill, in any scope, with uncertain calls at their most."""
    calls: int = 0
    """Billed."""
    asked: int = 0
    """Of the ledger."""
    refused: int = 0
    writes: int = 0
    settled_by_receipt: int = 0
    listed: int = 0
    """As uncertain."""
    false: list[Turned] = field(default_factory=list)


def run(plan: Plan, table: str, environment: Mapping[str, str]) -> Found:
    """Let them spend until the money is used up.

    Raises:
        AssertionError: they did not come to an end in time.
    """
    with tempfile.TemporaryDirectory() as name, provider() as server:
        folder, journals = Path(name), Path(name) / "journals"
        journals.mkdir()
        toml = _toml(plan, server)
        (folder / "backstay.toml").write_text(toml)
        told = {"BACKSTAY_GUARDS_TABLE": table, "BACKSTAY_CONFIG": str(folder / "backstay.toml")}
        work = Spending({**environment, **told}, journals, plan.processes, plan.callers, folder / "last-kill")
        found, watch = Found(), _Watch(table, toml)
        died = _let_spend(plan, work, server, watch, found)
        histories = _histories(journals, died, _left(table))
        _settle(table, journals, found)
        events, budgets = list(all_events(journals)), watch.look(found)
        cost = _compare(budgets, LedgerStore(table), by_reservation(events, dict(server.billed)), events, found)
        _count(events, found)
        found.false = false_refusals(histories, cost, watch.limits)
        found.leaked = max(budget.reserved for budget in budgets.values())
        return found


class _Watch:
    """Reads all budgets again and again."""

    def __init__(self, table: str, toml: str) -> None:
        self._store = LedgerStore(table)
        names = [f"tenant:t{n}" for n in range(TENANTS)] + [f"key:k{n}" for n in range(KEYS)]
        self._scopes = ["total", *(f"provider:{name}" for name in PRICES), "task:spend", *names]
        settings = parse(toml).budgets
        self.limits = {scope: limits_of(scope, settings)[Window.YEARLY].usd for scope in self._scopes}

    def look(self, found: Found) -> Mapping[str, Budget]:
        """At all of them once."""
        budgets = self._store.read(self._scopes)
        for scope, budget in budgets.items():
            account = budget.accounts[Window.YEARLY]
            found.overrun = max(found.overrun, account.spent + budget.reserved - self.limits[scope])
            astray = abs(account.spent + budget.reserved + account.left - self.limits[scope])
            found.astray = max(found.astray, astray)
        return budgets


def _let_spend(plan: Plan, work: Spending, server: Provider, watch: _Watch, found: Found) -> dict[int, float]:
    """Until all have come to their end; answers whom it has killed and when."""
    died: dict[int, float] = {}
    killed_at, ends_at = time.monotonic(), time.monotonic() + plan.longest_s
    with _children() as children:
        for _ in range(plan.processes):
            _start(children, work)
        while alive := [child for child in children if child.is_alive()]:
            watch.look(found)
            found.looks += 1
            at_work = [child for child in alive if (work.journals / str(child.pid)).exists()]
            is_due = server.calls > plan.kill_every * (found.kills + 1) or time.monotonic() > killed_at + _NO_KILL_S
            if at_work and found.kills < plan.kills and is_due:
                time.sleep(random.uniform(0, _LOOK_EVERY_S))
                victim = random.choice(at_work)
                died[victim.pid or 0] = killed_at = _kill(victim)
                found.kills += 1
                _start(children, work)
            if found.kills == plan.kills:
                work.last_kill.touch()
            assert time.monotonic() < ends_at, "the callers come to an end"
            time.sleep(random.uniform(0, _LOOK_EVERY_S))
        failed = [child.exitcode for child in children if child.exitcode not in (0, -signal.SIGKILL)]
        assert not failed, f"processes failed: {failed}"
    return died


@contextmanager
def _children() -> Iterator[list[BaseProcess]]:
    children: list[BaseProcess] = []
    try:
        yield children
    finally:
        for child in children:
            child.kill()
            child.join()


def _start(children: list[BaseProcess], work: Spending) -> None:
    child = multiprocessing.get_context("spawn").Process(target=spend, args=(work, len(children)))
    child.start()
    children.append(child)


def _kill(child: BaseProcess) -> float:
    """Between any two instructions; answers when it was dead."""
    os.kill(child.pid or 0, signal.SIGKILL)
    child.join()
    return time.monotonic()


def _left(table: str) -> Sequence[Holding]:
    """What leases hold now."""
    store, later = LedgerStore(table), utc_now() + _LONGER_THAN_ANY_LEASE
    leases = [lease for shard in range(SHARDS) for lease in store.lapsed(shard, later, 100)]
    return [holding for lease in leases for holding in lease.holdings.values()]


def _histories(journals: Path, died: Mapping[int, float], left: Sequence[Holding]) -> list[History]:
    histories = []
    for file in journals.iterdir():
        process = int(file.name)
        events = events_of(journals, process)
        leases = {event.lease for event in events if isinstance(event, Opened)}
        of_it = [holding for holding in left if holding.lease in leases]
        histories.append(History(events, died.get(process), of_it))
    return histories


def _settle(table: str, journals: Path, found: Found) -> None:
    """As the sweep does after the last lease has lapsed; by the receipts of jobs that had come to their end."""
    receipts = {event.job_id: _receipt(event) for event in all_events(journals) if isinstance(event, Receipted)}
    later = LapsedLeases(table, receipts.get, lambda: utc_now() + _LONGER_THAN_ANY_LEASE)
    while (settled := later.settle(lambda: False)).certain or settled.uncertain:
        found.settled_by_receipt += settled.certain


def _receipt(event: Receipted) -> Receipt:
    calls = (Call("", "", 0, 0, 0, usd, reservation=name) for name, usd in event.prices.items())
    return Receipt(tuple(calls))


def _compare(
    budgets: Mapping[str, Budget],
    store: LedgerStore,
    billed: Mapping[str, Decimal],
    events: Sequence[Event],
    found: Found,
) -> Mapping[str, Decimal]:
    """The ledger with the bill, scope by scope; answers what each call cost in the end, by reservation."""
    listed = {holding.name: holding for one in store.uncertain(100_000) for holding in one.holdings}
    cost = {**billed, **{name: holding.usd for name, holding in listed.items()}}
    scopes = {event.name: event.scopes for event in events if isinstance(event, Reserved)}
    scopes |= {name: holding.scopes for name, holding in listed.items()}
    found.listed, found.uncertain = len(listed), sum((holding.usd for holding in listed.values()), Decimal(0))
    found.calls, found.billed = len(billed), sum(billed.values(), Decimal(0))
    spent = {scope: budget.accounts[Window.YEARLY].spent for scope, budget in budgets.items()}
    found.spent = spent["total"]
    due = {scope: sum((usd for name, usd in cost.items() if scope in scopes[name]), Decimal(0)) for scope in spent}
    found.error = max(abs(spent[scope] - due[scope]) for scope in spent)
    return cost


def _count(events: Sequence[Event], found: Found) -> None:
    kinds = Counter(map(type, events))
    found.refused, found.writes = kinds[Turned], kinds[Wrote]
    found.asked = kinds[Turned] + kinds[Reserved]


def _toml(plan: Plan, server: Provider) -> str:
    parts = {"provider": "0.6", "tenant": "0.3", "key": "0.2"}
    limits = {name: plan.cap * Decimal(part) for name, part in parts.items()}
    providers = [
        _PROVIDER.format(name=name, url=server.url, input=prices.input, output=prices.output)
        for name, prices in PRICES.items()
    ]
    return "".join([_CONFIG.format(total=plan.cap, **limits), *providers])
