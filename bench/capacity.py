"""What DynamoDB charges for an item: its size, and the units of writes and reads that follow from it.

Sources: "DynamoDB item sizes and formats", "Read and write operations" and "Using global secondary indexes" in the
DynamoDB developer guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
"""An item as the API carries it: attribute name to type and value."""

WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
INDEX_ENTRY_BYTES = 100
"""Added to what is stored of each index entry; no write unit counts it."""


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index."""

    name: str
    keys: tuple[str, ...]
    keys_only: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table's keys and indexes."""

    name: str
    keys: tuple[str, ...]
    indexes: tuple[Index, ...] = ()
    has_stream: bool = False

    def entry(self, index: Index, item: Item | None) -> dict[str, Any] | None:
        """What an index holds of an item; None where the item lacks one of its keys."""
        if item is None or not all(key in item for key in index.keys):
            return None
        if not index.keys_only:
            return dict(item)
        return {key: item[key] for key in dict.fromkeys((*index.keys, *self.keys))}


def item_bytes(item: Item) -> int:
    """An item's size: the names and values of its attributes."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "B":
            return len(value)
        case "N":
            return _number_bytes(value)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_bytes(entry) for entry in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(entry) for name, entry in value.items())
        case _:
            raise ValueError(f"attribute type {kind!r} is not one that Backstay writes")


def _number_bytes(text: str) -> int:
    """About one byte for two significant digits, and one more; another for a sign."""
    digits = "".join(map(str, Decimal(text).as_tuple().digits)).strip("0") or "0"
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def _units(size: int, unit: int) -> int:
    return max(1, -(-size // unit))


def table_write_units(before: Item | None, after: Item | None) -> int:
    """Units of one write to the table, by the larger of what was there and what is there now."""
    return _units(max(item_bytes(item) if item else 0 for item in (before, after)), WRITE_UNIT_BYTES)


def index_write_units(table: Table, before: Item | None, after: Item | None) -> int:
    """Units that a write costs in the table's indexes.

    An entry whose key changes is deleted and put anew, which is two writes; one that stays as it is costs nothing.
    """
    return sum(_entry_units(table, index, before, after) for index in table.indexes)


def _entry_units(table: Table, index: Index, before: Item | None, after: Item | None) -> int:
    old, new = table.entry(index, before), table.entry(index, after)
    if old == new:
        return 0
    if old and new and all(old[key] == new[key] for key in index.keys):
        return table_write_units(old, new)
    return sum(_units(item_bytes(entry), WRITE_UNIT_BYTES) for entry in (old, new) if entry)


def read_units(size: int, *, consistent: bool) -> float:
    """Units of one read of so many bytes."""
    return _units(size, READ_UNIT_BYTES) * (1 if consistent else 0.5)


def stored_bytes(table: Table, item: Item) -> int:
    """What an item takes up: in the table and in its indexes."""
    entries = [entry for index in table.indexes if (entry := table.entry(index, item))]
    return item_bytes(item) + sum(item_bytes(entry) + INDEX_ENTRY_BYTES for entry in entries)
