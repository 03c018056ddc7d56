"""At most so many calls at once of all processes together. A process that dies gives its seats back by the clock."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from backstay.errors import ErrorClass, WorkError
from backstay.resilience.seat_table import NOT_HELD, Held, SeatsRefused, SeatTable
from backstay.telemetry import logger

_SPARE_S = 30.0
"""Calls that begin within this time after a write need no other one for their time's sake."""
_MARGIN_S = 5.0
"""For clocks that differ, and for what comes between a call's end and its seat's."""
_FULL_FOR_S = 0.5
"""For so long nobody in a process asks again after all seats were taken, unless the process itself gives some back."""
_RETRY_AFTER_S = 2.0
_MOST_TRIES = 8


class FleetBulkheadFull(WorkError):  # noqa: N818 - a refusal, not a fault of the program
    """As many calls as may run at once in the fleet are running, or nobody can tell how many are."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(ErrorClass.BULKHEAD_FULL, f"bulkhead {name!r} {why}", retry_after_s=_RETRY_AFTER_S)
        self.name = name


class FleetBulkhead:
    """Seats for calls, in the whole fleet. One object a process and name.

    Callers that come to it together share one write, and so do those that leave: what is idle goes back once it is as
    much as what is in use.

    Args:
        name: what it is for; names the shared item, and refusals.
        at_once: how many calls may run.
        table: the guards table.
        now_ms: the wall clock, milliseconds since 1970.
    """

    def __init__(
        self,
        name: str,
        at_once: int,
        table: str,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.name, self.at_once = name, at_once
        self._table, self._now_ms = SeatTable(name, table), now_ms
        self._me = uuid.uuid4().hex[:12]
        self._held = NOT_HELD
        self._used = self._waiting = 0
        self._full_until = 0.0
        self._lock, self._writing = threading.Lock(), threading.Lock()

    @contextmanager
    def seat(self, lasts_s: float) -> Iterator[None]:
        """Hold a seat for the time of the `with` block, which must not take longer than `lasts_s`.

        Raises:
            FleetBulkheadFull: none is free, or the table can't be read or written: a limit is kept, not guessed.
        """
        self._enter(lasts_s)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, lasts_s: float) -> None:
        with self._lock:
            if self._sits(lasts_s):
                return
            self._waiting += 1
        try:
            with self._writing:
                if not self._sits_after_a_write(lasts_s):
                    raise FleetBulkheadFull(self.name, f"is full: {self.at_once} calls are running in the fleet")
        except (ClientError, BotoCoreError) as error:
            logger().warning("seats can't be read or written; no call is made", bulkhead=self.name, exc_info=True)
            raise FleetBulkheadFull(self.name, f"can't be read or written ({type(error).__name__})") from error
        finally:
            with self._lock:
                self._waiting -= 1

    def _sits_after_a_write(self, lasts_s: float) -> bool:
        with self._lock:
            if self._sits(lasts_s):
                return True  # thanks to the write of another caller
            wanted = self._used + self._waiting
        if time.monotonic() < self._full_until:
            return False
        self._hold(wanted, lasts_s)
        with self._lock:
            return self._sits(lasts_s)

    def _sits(self, lasts_s: float) -> bool:
        lasts_until_ms = self._now_ms() + (lasts_s + _MARGIN_S) * 1000
        if self._used >= self._held.seats or self._held.until_ms < lasts_until_ms:
            return False
        self._used += 1
        return True

    def _leave(self) -> None:
        with self._lock:
            self._used -= 1
        with self._writing:
            with self._lock:
                used, held = self._used, self._held
                idle = held.seats - used
                if not idle or idle < used or self._waiting:
                    return
                self._held = Held(used, held.until_ms, held.serial + 1)  # at once, so that nobody sits down there
                self._full_until = 0.0
            try:
                self._table.hold(self._me, held, self._held if used else NOT_HELD, self.at_once)
            except SeatsRefused:
                self._forget()
            except (ClientError, BotoCoreError):
                logger().warning("seats are given back when their time is over", bulkhead=self.name, exc_info=True)
                self._forget()
            else:
                if not used:
                    self._forget()

    def _hold(self, wanted: int, lasts_s: float) -> None:
        """Hold that many seats, or as many as there are."""
        for _ in range(_MOST_TRIES):
            held = self._held
            until_ms = self._now_ms() + round((lasts_s + _MARGIN_S + _SPARE_S) * 1000)
            target = Held(wanted, max(until_ms, held.until_ms), held.serial + 1)
            try:
                self._table.hold(self._me, held, target, self.at_once)
            except SeatsRefused as refused:
                stands = refused.now
                mine = stands.holders.get(self._me, NOT_HELD)
                if mine != held:  # a write whose answer was lost, or the seats were freed by the clock
                    with self._lock:
                        self._held = mine
                    continue
                if lapsed := stands.lapsed(self._now_ms()):
                    for holder, theirs in lapsed.items():
                        self._table.free(holder, theirs)
                    continue
                wanted = min(wanted, held.seats + max(0, self.at_once - stands.taken))
                if wanted <= self._used:
                    break
            else:
                with self._lock:
                    self._held = target
                return
        self._full_until = time.monotonic() + _FULL_FOR_S

    def _forget(self) -> None:
        """Begin anew under another name: what became of the old one's seats is not known, or they are gone."""
        with self._lock:
            self._me, self._held = uuid.uuid4().hex[:12], NOT_HELD
