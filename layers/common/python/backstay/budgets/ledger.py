"""The reservation ledger: no call is made before the most that it can cost was taken from all of its budgets at once.

Callers of one process that wait at the same time are served by one write, which settles ended calls along the way.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from botocore.exceptions import BotoCoreError, ClientError

from backstay.budget_settings import BudgetsSettings
from backstay.budgets.batch import Batch, batch
from backstay.budgets.budget import NOTHING, exact
from backstay.budgets.entry import Ask, Entry, sift
from backstay.budgets.holder import Holder
from backstay.budgets.lease import Holding, Settlement
from backstay.budgets.refusals import refusal, unreadable
from backstay.budgets.scope import measure_of
from backstay.budgets.stock import Stock
from backstay.budgets.store import Contended, LedgerStore, Refused
from backstay.clock import Clock, utc_now
from backstay.errors import WorkError
from backstay.telemetry import logger

__all__ = ["Ask", "Ledger", "Reservation"]

_FIRST_STEP_S, _LONGEST_STEP_S = 0.02, 0.32
"""Transactions that met on one item step apart by so much."""
_COMPANY_S, _STRAGGLER_S = 0.15, 0.05
"""A batch's jobs come to their first calls within this time, and one soon after the other, even on a part of a core."""
_OWED_FOR_S = 5.0
"""Within a batch, ended calls are settled together, but for money's sake not later than so."""
_CUSHION_CALLS = 100
_TIGHT_FOR_S = 10.0
"""While less is left than so many calls can cost, what a call did not need is given back at once."""


class Reservation:
    """Money set aside for one call, until it is told what the call cost."""

    def __init__(self, holding: Holding, end: Callable[[Settlement], None]) -> None:
        self._holding, self._end = holding, end
        self._ended = False

    @property
    def id(self) -> str:
        """Names it in receipts, for the sweep."""
        return self._holding.name

    def settle(self, usd: Decimal, **counted: int) -> None:
        """The call cost so much, and was counted so by measure, such as `tokens=1200`."""
        used = {
            scope: Decimal(counted[name]) for scope, _ in self._holding.counts if (name := measure_of(scope)) in counted
        }
        self._close(Settlement(self._holding, exact(usd), used=used))

    def release(self) -> None:
        """The call was not made, or was answered in a way that costs nothing."""
        self._close(Settlement.unused(self._holding))

    def give_up(self) -> None:
        """Nobody knows what the call cost: the most that it can have cost counts as spent. After an end, nothing."""
        self._close(Settlement(self._holding, self._holding.usd, certain=False))

    def _close(self, settlement: Settlement) -> None:
        if not self._ended:
            self._ended = True
            self._end(settlement)


@dataclass(slots=True)
class _Waiting:
    """One call that waits for the write that serves it."""

    ask: Ask
    answer: Reservation | WorkError | None = None


class Ledger:
    """The budgets of a stage, as one process uses them. One object a process.

    Args:
        settings: the `[budgets]` of backstay.toml.
        table: the guards table.
        clock: UTC.
        running: the batch of jobs that the process runs.
        patience_s: for how long a write is tried, while other processes write at the same moments.
    """

    def __init__(
        self,
        settings: BudgetsSettings,
        table: str,
        clock: Clock = utc_now,
        running: Batch = batch,
        patience_s: float = 5.0,
    ) -> None:
        self._patience_s = patience_s
        self._clock, self._running = clock, running
        self._holder = Holder(settings, LedgerStore(table), clock)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._busy = False
        self._waiting: list[_Waiting] = []
        self._gathered = 0
        self._owed_since = 0.0
        self._tight_until = 0.0
        self._stock = Stock()
        running.at_end(self._close)

    def reserve(self, ask: Ask) -> Reservation:
        """Take the most that a call can cost from all of its budgets, or from none.

        Raises:
            WorkError: a hard limit would be passed (`budget_exceeded`), or can't be told yet from one since calls under
                way hold what is left (`budget_held`); or the table can't be read or written (`unreachable`).
        """
        mine = _Waiting(replace(ask, usd=exact(ask.usd)))
        with self._changed:
            if holding := self._stock.take(mine.ask):
                return Reservation(holding, self._end)
            self._waiting.append(mine)
            self._changed.notify_all()
        while self._await_turn(lambda: mine.answer is None):
            self._lead()
        if isinstance(mine.answer, Reservation):
            return mine.answer
        raise mine.answer or AssertionError("a call that waited is answered")

    def settle_all(self) -> None:
        """Settle every call that has ended; what can't be written now, with a later write or by the sweep."""
        if self._unfinished and self._await_turn(lambda: self._unfinished):
            self._lead()

    def _close(self) -> None:
        """A batch has ended: between batches a process may be frozen, and holds nothing."""
        self._return(self._stock.all)
        self.settle_all()

    def _return(self, unused: Callable[[], list[Holding]]) -> None:
        with self._lock:
            for holding in unused():
                self._holder.owe(Settlement.unused(holding))

    def _end(self, settlement: Settlement) -> None:
        with self._lock:
            if not self._holder.owes:
                self._owed_since = time.monotonic()
            self._holder.owe(settlement)
        if not self._keeps or time.monotonic() > self._owed_since + _OWED_FOR_S:
            self.settle_all()

    def _await_turn(self, wanted: Callable[[], bool]) -> bool:
        """Wait until nobody writes; True where there is still something to write then, and this thread shall."""
        with self._changed:
            while self._busy and wanted():
                self._changed.wait()
            if not wanted():
                return False
            self._busy = True
            return True

    def _lead(self) -> None:
        served: list[_Waiting] = []
        try:
            self._gather()
            self._return(self._stock.all if self._is_tight else self._stock.stale)
            self._write_for(served)
        except (ClientError, BotoCoreError) as error:
            logger().warning("budgets can't be read or written; no call is made", exc_info=True)
            with self._lock:
                served += self._waiting
                self._waiting.clear()
            self._refuse(served, unreadable(type(error).__name__))
        except BaseException:
            with self._lock:  # whoever leads next serves them
                self._waiting[:0] = [waiting for waiting in served if waiting.answer is None]
            raise
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _gather(self) -> None:
        """Let the jobs of a batch that has just begun come to their first calls; one write serves them all."""
        company = self._running.size
        if company < 2 or self._gathered == self._running.number:
            return
        self._gathered = self._running.number
        ends_at = time.monotonic() + _COMPANY_S
        with self._changed:
            came = len(self._waiting)
            while came < company and time.monotonic() < ends_at:
                self._changed.wait(_STRAGGLER_S)
                if len(self._waiting) == came:
                    return
                came = len(self._waiting)

    def _write_for(self, served: list[_Waiting]) -> None:
        """Write for all who wait by then; again, a little apart, where others wrote at the same moment."""
        ends_at, step_s = time.monotonic() + self._patience_s, _FIRST_STEP_S
        while True:
            with self._lock:
                served += self._waiting
                self._waiting.clear()
            open_ = [waiting for waiting in served if waiting.answer is None]
            asks = [waiting.ask for waiting in open_]
            along = self._stock.worth_taking(asks) if self._keeps else []
            try:
                held = self._holder.write([*asks, *along], self._cushion(asks))
            except Refused as refused:
                self._answer_refused(open_, refused)
            except Contended:
                time.sleep(random.uniform(0, step_s))  # noqa: S311 - jitter
                step_s = min(_LONGEST_STEP_S, 2 * step_s)
            else:
                self._hand_out(open_, held)
            if not self._unfinished and all(waiting.answer for waiting in served):
                return
            if time.monotonic() > ends_at:
                self._refuse(served, unreadable("too many processes write at once"))
                return

    def _hand_out(self, open_: Sequence[_Waiting], held: Sequence[Holding]) -> None:
        with self._lock:
            for waiting, holding in zip(open_, held, strict=False):
                waiting.answer = Reservation(holding, self._end)
            if open_:
                self._stock.written(held[len(open_) :], open_[-1].ask)
            self._owed_since = time.monotonic()

    def _answer_refused(self, open_: Sequence[_Waiting], refused: Refused) -> None:
        """Do what lets the next write pass: turn windows, do without a cushion, or refuse those who find too little."""
        if self._holder.put_right(refused.known, refused.missing):
            return
        self._tight_until = time.monotonic() + _TIGHT_FOR_S
        sifted = sift(Entry([waiting.ask for waiting in open_], self._holder.owed()), refused.known)
        with self._lock:
            for place, shortage in sifted.refused.items():
                open_[place].answer = refusal(shortage, self._clock())

    @property
    def _unfinished(self) -> bool:
        """Whether there is something to write although no call waits. A write without an answer, whose calls have been
        refused meanwhile, is overtaken by an empty one: made later, it would hold money for nobody.
        """
        return self._holder.owes or self._holder.in_doubt

    @property
    def _is_tight(self) -> bool:
        return time.monotonic() < self._tight_until

    @property
    def _keeps(self) -> bool:
        """Whether money that nobody needs now may be kept until the batch ends: it will, and there is plenty."""
        return self._running.size > 0 and not self._is_tight

    def _cushion(self, asks: Sequence[Ask]) -> dict[str, Decimal]:
        """What should be left where what ended calls did not need is kept for a while."""
        if not self._keeps:
            return {}
        cushion: dict[str, Decimal] = {}
        for ask in asks:
            for scope, most in ask.amounts.items():
                cushion[scope] = max(cushion.get(scope, NOTHING), _CUSHION_CALLS * most)
        return cushion

    def _refuse(self, served: Sequence[_Waiting], error: WorkError) -> None:
        with self._lock:
            for waiting in served:
                waiting.answer = waiting.answer or error
