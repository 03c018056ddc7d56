"""Reservations taken along for calls that are likely to come, where calls follow one another faster than writes do."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from backstay.budgets.budget import exact
from backstay.budgets.entry import Ask
from backstay.budgets.lease import Holding

_FRESH_S = 2.0
_LATELY_S = 1.0
_FEW = 3
"""Writes within that time that are no reason to take anything along: a batch whose calls take a second makes fewer."""
_MOST = 9
_ROOM = Decimal("1.25")
"""The next call may be a little larger."""


@dataclass(frozen=True, slots=True)
class _Kept:
    holding: Holding
    lasts_s: float
    until: float
    """Monotonic seconds."""


class Stock:
    """What one process has taken along. Used under its ledger's lock."""

    def __init__(self) -> None:
        self._kept: list[_Kept] = []
        self._writes: deque[float] = deque(maxlen=_MOST)

    def take(self, ask: Ask) -> Holding | None:
        """One that serves a call: for the same scopes, large and fresh enough."""
        now = time.monotonic()
        for kept in self._kept:
            holding = kept.holding
            if _serves(holding, ask) and kept.lasts_s >= ask.lasts_s and now < kept.until:
                self._kept.remove(kept)
                return holding
        return None

    def worth_taking(self, asks: Sequence[Ask]) -> list[Ask]:
        """What to take along with a write that serves these calls: as many as there were writes lately."""
        now = time.monotonic()
        lately = sum(1 for at in self._writes if at > now - _LATELY_S)
        if not asks or lately < _FEW:
            return []
        counts = tuple((scope, (most * _ROOM).to_integral_value(ROUND_FLOOR)) for scope, most in asks[-1].counts)
        return [replace(asks[-1], usd=exact(asks[-1].usd * _ROOM), job_id=None, counts=counts)] * lately

    def written(self, taken_along: Sequence[Holding], ask: Ask) -> None:
        """A write has served calls, and brought these."""
        now = time.monotonic()
        self._writes.append(now)
        self._kept += [_Kept(holding, ask.lasts_s, now + _FRESH_S) for holding in taken_along]

    def stale(self) -> list[Holding]:
        """What nobody has asked for in time; it is not kept any longer."""
        return self._drop(time.monotonic())

    def all(self) -> list[Holding]:
        """All that there is; nothing is kept."""
        return self._drop(float("inf"))

    def _drop(self, now: float) -> list[Holding]:
        dropped = [kept.holding for kept in self._kept if kept.until <= now]
        self._kept = [kept for kept in self._kept if kept.until > now]
        return dropped


def _serves(holding: Holding, ask: Ask) -> bool:
    """Whether as much is held as is asked for, and of the very same scopes."""
    held, asked = holding.amounts, ask.amounts
    return held.keys() == asked.keys() and all(held[scope] >= most for scope, most in asked.items())
