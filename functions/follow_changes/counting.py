"""Counts what the stream brings: every change once, however often it comes."""

from collections.abc import Sequence
from typing import Any

from backstay.costs.rows import updates
from backstay.costs.spending import spendings
from backstay.jobs.counter_store import MOST_ITEMS, CounterStore
from backstay.jobs.counters import deltas
from backstay.jobs.stream_position import Position, PositionMovedError, Record

_MOST_ROUNDS = 5


class Counting:
    """Adds to counters and accounts. One a process."""

    def __init__(self, table: str) -> None:
        self._table, self.counters = table, CounterStore(table)
        self._positions = self.counters.positions

    def count(self, records: Sequence[Record], shard: str | None) -> list[Record]:
        """Count a batch, all of it or nothing; answers what of it had not been counted before.

        Args:
            records: as Lambda brings them.
            shard: that they are of. Where it isn't told, the batch is only known by its events for ten minutes.

        Raises:
            PositionMovedError: somebody else keeps counting the same shard.
        """
        if shard is None:
            self._add_by_events(records)
            return list(records)
        for _ in range(_MOST_ROUNDS):
            position = self._positions.of(shard)
            fresh = position.behind(records)
            try:
                self._add_behind(position, fresh)
            except PositionMovedError:
                self._positions.forget(shard)
            else:
                return fresh
        raise PositionMovedError(f"the position of {shard} keeps moving")

    def _add_behind(self, position: Position, records: Sequence[Record]) -> Position:
        """Add what these records change; answers the position behind them."""
        changes, spent = deltas(records), self._spent(records)
        items = self.counters.updates(changes) + spent
        if len(items) >= MOST_ITEMS and len(records) > 1:
            half = len(records) // 2
            return self._add_behind(self._add_behind(position, records[:half]), records[half:])
        if not items:
            return position  # what changes nothing may be looked at again
        moved = position.after(records)
        self.counters.add_behind(position, moved, items, _events(records))
        self._positions.note(moved)
        return moved

    def _add_by_events(self, records: Sequence[Record]) -> None:
        self.counters.add(deltas(records), _events(records), self._spent(records))

    def _spent(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        return updates(self._table, spendings(records))


def _events(records: Sequence[Record]) -> list[str]:
    return [record["eventID"] for record in records]
