"""Leases of processes that died: what they held is settled in their stead, so that no reservation stays for ever."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from backstay.budgets.budget import exact
from backstay.budgets.entry import Entry, first_part
from backstay.budgets.lease import SHARDS, Holding, Lease, Settlement
from backstay.budgets.periods import periods_at
from backstay.budgets.store import Contended, InDoubt, LeaseLost, LedgerStore, Refused, Write
from backstay.clock import Clock, utc_now
from backstay.receipt import Receipt

_PAGE = 25


@dataclass(frozen=True, slots=True)
class Settled:
    """What one sweep settled, in calls."""

    certain: int = 0
    """Their jobs' receipts told what they cost."""
    uncertain: int = 0

    def __add__(self, other: "Settled") -> "Settled":
        return Settled(self.certain + other.certain, self.uncertain + other.uncertain)


class LapsedLeases:
    """Settles what nobody else will.

    Args:
        table: the guards table.
        receipt_of: a job's receipt by the job's id, or None where there is none.
        clock: UTC.
    """

    def __init__(self, table: str, receipt_of: Callable[[str], Receipt | None], clock: Clock = utc_now) -> None:
        self._store, self._receipt_of, self._clock = LedgerStore(table), receipt_of, clock

    def settle(self, time_is_up: Callable[[], bool]) -> Settled:
        """Settle leases that have lapsed, as many as there is time for. What others write meanwhile waits for the next.

        Raises:
            ClientError, BotoCoreError: the table can't be read or written.
        """
        done = Settled()
        for shard in range(SHARDS):
            for lease in self._store.lapsed(shard, self._clock(), _PAGE):
                if time_is_up():
                    return done
                done += self._settle(lease)
        return done

    def _settle(self, lease: Lease) -> Settled:
        settlements = [self._settlement(holding) for holding in lease.holdings.values()]
        done = Settled()
        while settlements:
            part = first_part(Entry((), settlements))
            settlements = settlements[len(part.settlements) :]
            following = self._write(lease, part)
            if following is None:
                break
            lease = following
            certain = sum(one.certain for one in part.settlements)
            done += Settled(certain, len(part.settlements) - certain)
        return done

    def _settlement(self, holding: Holding) -> Settlement:
        """As the job's receipt has it; else the call may have been charged, and counts as spent."""
        receipt = self._receipt_of(holding.job_id) if holding.job_id else None
        for call in receipt.calls if receipt else ():
            if call.reservation == holding.name and call.cost_usd is not None:
                return Settlement(holding, exact(call.cost_usd))
        return Settlement(holding, holding.usd, certain=False)

    def _write(self, lease: Lease, part: Entry) -> Lease | None:
        """The lease after it, or None where somebody else writes at the same moment, or its process lives after all."""
        now = self._clock()
        gone = {one.holding.number for one in part.settlements}
        kept = {number: holding for number, holding in lease.holdings.items() if number not in gone}
        following = lease.followed_by(kept, lease.lapses_at, uuid.uuid4().hex)
        write = Write(part, following, periods_at(now), now)
        try:
            self._store.write(write)
        except Refused as refused:
            self._store.turn_stale(refused.known, write.periods)
            return self._write(lease, part)
        except (Contended, InDoubt, LeaseLost):
            return None
        return following
