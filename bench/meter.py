"""Counts what is written to and read from DynamoDB, by botocore's own events: items, their sizes and units."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.capacity import Item, Table, index_write_units, item_bytes, read_units, table_write_units

Look = Callable[[str, Item], Item | None]
"""Reads an item by table and key past all metering."""

_TARGETS = "bench_targets"
_TRANSACTION_FACTOR = 2  # a transaction prepares and commits


@dataclass(frozen=True, slots=True)
class Write:
    """One item written."""

    table: str
    key: Item
    before: Item | None
    after: Item | None
    table_units: float
    index_units: float


@dataclass(frozen=True, slots=True)
class Read:
    """One call's reading of one table."""

    table: str
    items: int
    """Asked for by key, or found; a query that finds nothing counts as one."""
    units: float


@dataclass(slots=True)
class Tally:
    """What was written and read while it was open, in order."""

    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)

    def items_written(self, table: str | None = None) -> int:
        """Items written to one table, or to all."""
        return sum(1 for write in self.writes if table in (None, write.table))

    def items_read(self, table: str | None = None) -> int:
        """Items read from one table, or from all."""
        return sum(read.items for read in self.reads if table in (None, read.table))

    @property
    def write_units(self) -> float:
        """Of tables and indexes."""
        return sum(write.table_units + write.index_units for write in self.writes)

    @property
    def read_units(self) -> float:
        """Of all tables."""
        return sum(read.units for read in self.reads)


class Meter:
    """Listens to one DynamoDB client.

    Args:
        client: the client that the code under measurement uses.
        tables: every table that it may touch.
        look: reads an item's state before and after a write.
    """

    def __init__(self, client: Any, tables: Mapping[str, Table], look: Look) -> None:
        self._tables, self._look = tables, look
        self._tally = Tally()
        self._lock = threading.Lock()
        client.meta.events.register("before-parameter-build.dynamodb", self._before)
        client.meta.events.register("after-call.dynamodb", self._after)

    @contextmanager
    def tally(self) -> Iterator[Tally]:
        """Count from here on into a tally of its own."""
        outer, self._tally = self._tally, Tally()
        try:
            yield self._tally
        finally:
            self._tally = outer

    def _before(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        keys = [(table, self._key(table, item)) for table, item in written(model.name, params)]
        context[_TARGETS] = params, [(table, key, self._look(table, key)) for table, key in keys]

    def _after(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        params, targets = context[_TARGETS]
        factor = _TRANSACTION_FACTOR if model.name.startswith("Transact") else 1
        writes = [self._write(table, key, before, factor) for table, key, before in targets]
        with self._lock:
            self._tally.writes += writes
            self._tally.reads += read(model.name, params, parsed, factor)

    def _key(self, table: str, item: Item) -> dict[str, Any]:
        return {name: item[name] for name in self._tables[table].keys}

    def _write(self, table: str, key: Item, before: Item | None, factor: int) -> Write:
        after = self._look(table, key)
        index_units = index_write_units(self._tables[table], before, after)
        return Write(table, key, before, after, factor * table_write_units(before, after), factor * index_units)


def written(operation: str, params: Mapping[str, Any]) -> list[tuple[str, Item]]:
    """The table, and the item or its key, of every item that a call writes or checks."""
    match operation:
        case "PutItem":
            return [(params["TableName"], params["Item"])]
        case "UpdateItem" | "DeleteItem":
            return [(params["TableName"], params["Key"])]
        case "BatchWriteItem":
            return [
                (table, action.get("Item") or action["Key"])
                for table, requests in params["RequestItems"].items()
                for request in requests
                for action in request.values()
            ]
        case "TransactWriteItems":
            actions = [action for entry in params["TransactItems"] for action in entry.values()]
            return [(action["TableName"], action.get("Item") or action["Key"]) for action in actions]
        case _:
            return []


def read(operation: str, params: Mapping[str, Any], parsed: Mapping[str, Any], factor: int) -> list[Read]:
    """What a call reads of which table."""
    match operation:
        case "GetItem":
            size = item_bytes(parsed.get("Item", {}))
            return [Read(params["TableName"], 1, read_units(size, consistent=params.get("ConsistentRead", False)))]
        case "Query" | "Scan":
            found = parsed.get("Items", [])
            size = sum(map(item_bytes, found))
            units = read_units(size, consistent=params.get("ConsistentRead", False))
            return [Read(params["TableName"], max(1, len(found)), units)]
        case "BatchGetItem":
            return [
                Read(
                    table,
                    len(asked["Keys"]),
                    len(asked["Keys"]) * read_units(1, consistent=asked.get("ConsistentRead", False)),
                )
                for table, asked in params["RequestItems"].items()
            ]
        case "TransactGetItems":
            return [Read(entry["Get"]["TableName"], 1, factor * 1.0) for entry in params["TransactItems"]]
        case _:
            return []
