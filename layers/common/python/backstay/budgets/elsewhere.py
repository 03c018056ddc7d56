"""Spending that happened elsewhere: booked in the budgets that it belongs to, once for each key, and never refused."""

import hashlib
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from backstay.budgets.budget import NOTHING, Budget, exact
from backstay.budgets.entry import Entry
from backstay.budgets.lease import Counts, Holding, Lease, Settlement
from backstay.budgets.periods import periods_at
from backstay.budgets.scope import limits_of
from backstay.budgets.store import Contended, InDoubt, LeaseLost, LedgerStore, Refused, Write
from backstay.clock import Clock, utc_now
from backstay.errors import BackstayError, ErrorClass, WorkError

if TYPE_CHECKING:
    from backstay.budget_settings import BudgetsSettings

_PATIENCE_S = 5.0
_STEP_S = 0.1


class UsageKeyConflictError(BackstayError):
    """The key stands for other spending; nothing was booked."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent elsewhere."""

    key: str
    """The same once more is booked once, for two days."""
    usd: Decimal
    scopes: tuple[str, ...]
    counts: Counts = ()
    """What it took of quotas, by scope."""

    @property
    def lease(self) -> str:
        """Names the item that remembers the key."""
        return f"usage-{_digest(self.key)}"

    @property
    def fingerprint(self) -> str:
        """The same for the same spending under the same key."""
        return _digest(f"{self.key} {self.usd.normalize():f} {self.scopes} {self.counts}")


class Elsewhere:
    """Books it. One object a process.

    Args:
        settings: the `[budgets]` of backstay.toml.
        table: the guards table.
        clock: UTC.
    """

    def __init__(self, settings: "BudgetsSettings", table: str, clock: Clock = utc_now) -> None:
        self._settings, self._store, self._clock = settings, LedgerStore(table), clock

    def book(self, spent: Spent, also: Sequence[Mapping[str, Any]] = ()) -> None:
        """Add it to what is spent, in every window, whatever their limits.

        Args:
            spent: how much, and whose.
            also: further items of the same transaction.

        Raises:
            UsageKeyConflictError: the key stands for other spending.
            WorkError: too many write at once; the same may be tried again.
        """
        ends_at = time.monotonic() + _PATIENCE_S
        while not self._is_booked(spent, also):
            if time.monotonic() > ends_at:
                raise WorkError(ErrorClass.UNREACHABLE, "budgets can't be written now: too many write at once")

    def _is_booked(self, spent: Spent, also: Sequence[Mapping[str, Any]]) -> bool:
        now = self._clock()
        periods = periods_at(now)
        lease = Lease(spent.lease, now, version=1, writer=spent.fingerprint)
        try:
            self._store.write(Write(_entry(spent), lease, periods, now, also=also, token=uuid.uuid4().hex))
        except Refused as refused:
            self._store.turn_stale(refused.known, periods)
            for scope in refused.missing:
                self._store.create(Budget.new(scope, limits_of(scope, self._settings), periods))
            return False
        except (Contended, InDoubt):
            time.sleep(random.uniform(0, _STEP_S))  # noqa: S311 - jitter
            return False
        except LeaseLost as lost:
            raise UsageKeyConflictError(f"key {spent.key!r} stands for other usage; use another key") from lost
        return True


def _entry(spent: Spent) -> Entry:
    nothing = tuple((scope, NOTHING) for scope, _ in spent.counts)
    holding = Holding(1, NOTHING, spent.scopes, spent.lease, counts=nothing)
    return Entry((), (Settlement(holding, exact(spent.usd), used=dict(spent.counts)),))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
