"""One process's lease, and the writes that change it together with budgets."""

import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backstay.budget_settings import BudgetsSettings
from backstay.budgets.budget import Budget
from backstay.budgets.entry import Ask, Entry, first_part
from backstay.budgets.lease import Holding, Lease, Settlement
from backstay.budgets.periods import Window, periods_at
from backstay.budgets.scope import limits_of
from backstay.budgets.store import Contended, InDoubt, LeaseLost, LedgerStore, Write
from backstay.clock import Clock
from backstay.telemetry import logger

_SETTLED_WITHIN_S = 60.0
"""What a call's end may take to be written, beyond the longest time that the call itself may take."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A write of which nobody knows whether it was made."""

    lease: Lease
    reserved: Sequence[Holding]
    settled: Sequence[Settlement]


class Holder:
    """Holds what its process has reserved. Everything but `owe` is done by one thread at a time."""

    def __init__(self, settings: BudgetsSettings, store: LedgerStore, clock: Clock) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._known: set[str] = set()
        self._lease = self._new_lease()
        self._next = 1
        self._doubts: list[_Attempt] = []
        self._owed: list[Settlement] = []
        self._lock = threading.Lock()

    @property
    def owes(self) -> bool:
        """Whether there are calls that ended and were not settled yet."""
        return bool(self._owed)

    @property
    def in_doubt(self) -> bool:
        """Whether a write may have been made, or may yet be, of which nobody knows. The next write ends that."""
        return bool(self._doubts)

    def owe(self, settlement: Settlement) -> None:
        """Have it settled with the next write."""
        with self._lock:
            self._owed.append(settlement)

    def owed(self) -> tuple[Settlement, ...]:
        """What the next write settles."""
        with self._lock:
            return tuple(self._owed)

    def write(self, asks: Sequence[Ask], cushion: Mapping[str, Decimal]) -> list[Holding]:
        """Settle what is owed and reserve, in one step; answers what is held for the first of the asks, if not for all.

        Args:
            asks: calls that wait.
            cushion: what must be left after it, by scope.

        Raises:
            Refused: budgets have too little left; nothing was written.
            Contended: nothing was written, or nobody knows yet; the same may be tried again.
            ClientError, BotoCoreError: the table can't be read or written.
        """
        if self._doubts:
            self._catch_up(self._store.lease(self._lease.id))
        self._drop_lost()
        entry, now = first_part(Entry(asks, self.owed())), self._clock()
        if not entry.scopes and not self._doubts:
            return []
        self._see_to(entry.scopes - self._known, now)
        attempt = self._attempt(entry, now)
        try:
            self._store.write(Write(entry, attempt.lease, periods_at(now), now, cushion))
        except InDoubt as error:
            self._doubts.append(attempt)
            raise Contended(str(error)) from error
        except LeaseLost as lost:
            self._catch_up(lost.now)
            raise Contended(str(lost)) from lost
        self._done(attempt)
        return list(attempt.reserved)

    def put_right(self, seen: Mapping[str, Budget], missing: Sequence[str]) -> bool:
        """Turn the windows of those budgets that have to, and write those that are missing; False: none had to."""
        now = self._clock()
        turned = self._store.turn_stale(seen, periods_at(now))
        self._create(missing, now)
        return turned or bool(missing)

    def _see_to(self, scopes: frozenset[str], now: datetime) -> None:
        """A scope exists before its first call, and has the limits that backstay.toml gives it."""
        if not scopes:
            return
        found = self._store.read(sorted(scopes))
        self._create(sorted(scopes - found.keys()), now)
        self.put_right(found, ())
        for budget in found.values():
            self._set_limits(budget)
        self._known |= scopes

    def _create(self, scopes: Sequence[str], now: datetime) -> None:
        for scope in scopes:
            self._store.create(Budget.new(scope, limits_of(scope, self._settings), periods_at(now)))

    def _set_limits(self, budget: Budget) -> None:
        limits = limits_of(budget.scope, self._settings)
        for window in Window:
            account, wanted = budget.accounts[window], limits.get(window)
            if not account.by_hand and account.limit != wanted:
                self._store.set_limit(budget, window, wanted, by_hand=False)

    def _attempt(self, entry: Entry, now: datetime) -> _Attempt:
        reserved = [
            Holding(number, ask.usd, ask.scopes, self._lease.id, ask.job_id, ask.counts)
            for number, ask in enumerate(entry.asks, self._next)
        ]
        self._next += len(reserved)
        gone = {one.holding.number for one in entry.settlements}
        kept = {number: holding for number, holding in self._lease.holdings.items() if number not in gone}
        until = entry.lapses_at(now, _SETTLED_WITHIN_S)
        lapses_at = max(self._lease.lapses_at, until) if kept else until
        holdings = kept | {holding.number: holding for holding in reserved}
        return _Attempt(self._lease.followed_by(holdings, lapses_at, uuid.uuid4().hex), reserved, entry.settlements)

    def _done(self, attempt: _Attempt) -> None:
        self._lease = attempt.lease
        self._doubts.clear()  # what is still under way meets another version
        with self._lock:
            self._owed = [one for one in self._owed if one not in attempt.settled]

    def _catch_up(self, stands: Lease | None) -> None:
        """Find out what became of writes without an answer, and whether the sweep has settled the lease."""
        if (stands.writer if stands else "") == self._lease.writer:
            return  # nothing was written yet; the doubts stay, since it may still be
        for attempt in self._doubts:
            if stands and stands.writer == attempt.lease.writer:
                self._done(attempt)
                for holding in attempt.reserved:  # nobody was told of them
                    self.owe(Settlement.unused(holding))
                return
        self._lease = self._new_lease()
        self._doubts.clear()

    def _drop_lost(self) -> None:
        """The sweep has settled what is owed under a lease that lapsed."""
        with self._lock:
            lost = [one for one in self._owed if one.holding.lease != self._lease.id]
            self._owed = [one for one in self._owed if one.holding.lease == self._lease.id]
        for settlement in lost:
            logger().warning("settled by the sweep before its process did", reservation=settlement.holding.name)

    def _new_lease(self) -> Lease:
        return Lease(uuid.uuid4().hex[:12], self._clock())
