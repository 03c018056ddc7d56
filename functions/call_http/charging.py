"""Calls that cost: money is reserved before one, and settled by how it was answered."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from backstay.config import Config
from backstay.errors import WorkError
from backstay.operations import call_of, price_of
from backstay.outbound.resolving import UnreachableError
from backstay.task import Job

from .models import HttpCall

if TYPE_CHECKING:
    from backstay.budgets.ledger import Ledger, Reservation

_NOBODY_KNOWS = frozenset({408, 502, 504})
"""Something on the way says that it heard no answer in time: the work may have been done."""


class Charge:
    """What one call costs, if anything. Tell it how the call was answered."""

    def __init__(self, wanted: HttpCall, job: Job, usd: Decimal, reservation: "Reservation | None") -> None:
        self._wanted, self._job, self._usd, self._reservation = wanted, job, usd, reservation
        self._began = time.monotonic()

    def answered(self, status: int) -> None:
        """An operation that was done is paid for, and stands in the job's receipt; one that was refused is not."""
        wanted, reservation = self._wanted, self._reservation
        if wanted.provider is None or wanted.operation is None:
            return
        if status < 400 or status in wanted.expected_status:
            line = call_of(
                wanted.provider,
                wanted.operation,
                wanted.quantity,
                self._usd,
                began=self._began,
                reservation=reservation.id if reservation else "",
            )
            self._job.calls.append(line)
            if reservation:
                reservation.settle(self._usd)
        elif reservation and status in _NOBODY_KNOWS:
            reservation.give_up()
        elif reservation:
            reservation.release()


class Charging:
    """Takes what calls cost from budgets and quotas.

    Args:
        settings: backstay.toml.
        table: the guards table.
    """

    def __init__(self, settings: Config, table: str) -> None:
        self._settings, self._table = settings, table
        self._made: Ledger | None = None
        self._first_use = threading.Lock()  # jobs that start together share one

    @contextmanager
    def charged(self, wanted: HttpCall, job: Job, lasts_s: float) -> Iterator[Charge]:
        """Make one call inside; what it may have cost although nobody answered counts as spent.

        Raises:
            BudgetExceeded, BudgetHeld: there is no money for it now.
            WorkError: nobody has priced it, or budgets can't be read or written.
        """
        if wanted.provider is None or wanted.operation is None:
            yield Charge(wanted, job, Decimal(0), None)
            return
        usd = price_of(self._settings, wanted.provider, wanted.operation, wanted.quantity)
        reservation = self._reserve(wanted.provider, usd, job, lasts_s)
        try:
            yield Charge(wanted, job, usd, reservation)
        except UnreachableError as error:
            if reservation and not error.maybe_heard:
                reservation.release()
            raise
        except WorkError:
            if reservation:
                reservation.release()
            raise
        finally:
            if reservation:
                reservation.give_up()  # where nothing was told: it may have been charged

    def _reserve(self, provider: str, usd: Decimal, job: Job, lasts_s: float) -> "Reservation | None":
        from backstay.budgets.entry import Ask
        from backstay.budgets.scope import counts_of, scopes_of

        scopes = scopes_of(provider, tenant=job.tenant, task=job.task, key_id=job.key_id) if usd else ()
        counts = counts_of(provider, self._settings.budgets, requests=1)
        ask = Ask(usd, scopes, lasts_s, job.id, counts)
        return self._ledger().reserve(ask) if ask.amounts else None

    def _ledger(self) -> "Ledger":
        """Made when a call first costs something: most don't."""
        from backstay.budgets.ledger import Ledger

        with self._first_use:
            self._made = self._made or Ledger(self._settings.budgets, self._table)
            return self._made
