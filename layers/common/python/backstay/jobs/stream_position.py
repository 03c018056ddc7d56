"""How far each shard of the jobs table's stream has been counted.

Lambda hands over a shard's records in their order the first time, and may hand over any of them again, later and cut
otherwise. So what lies before a shard's position has been counted, and what lies behind it has not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from backstay import aws
from backstay.clock import Clock, epoch_ms, utc_now
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import BackstayError

Record: TypeAlias = Mapping[str, Any]

PART = "position"
_KEPT = timedelta(days=3)
"""A stream keeps its records for one day."""


class PositionMovedError(BackstayError):
    """Somebody else has counted records of the shard meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a shard: behind its last record that is counted."""

    shard: str
    last: str | None = None
    """That record's sequence number; None where none is counted yet."""

    def behind(self, records: Sequence[Record]) -> list[Record]:
        """Those that are not counted yet, each once, in their order."""
        begin = -1 if self.last is None else int(self.last)
        by_number = {number_of(record): record for record in records}
        return [by_number[number] for number in sorted(by_number) if number > begin]

    def after(self, records: Sequence[Record]) -> "Position":
        """The place behind these records, the last of which is the latest."""
        return Position(self.shard, str(records[-1]["dynamodb"]["SequenceNumber"]))


def number_of(record: Record) -> int:
    """Where a record stands in its shard."""
    return int(record["dynamodb"]["SequenceNumber"])


class PositionStore:
    """Keeps positions in the jobs table. What it remembers of them is checked with every write."""

    def __init__(self, table: str, clock: Clock = utc_now) -> None:
        self._table, self._clock = table, clock
        self._known: dict[str, Position] = {}

    def of(self, shard: str) -> Position:
        """How far a shard is counted, as far as is known."""
        if shard not in self._known:
            key = encode_item({"id": position_id(shard), "part": PART})
            answer = aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
            self._known[shard] = Position(shard, decode_item(answer.get("Item", {})).get("last"))
        return self._known[shard]

    def note(self, position: Position) -> None:
        """The shard is counted up to here."""
        self._known[position.shard] = position

    def forget(self, shard: str) -> None:
        """Read it anew when it is next asked for."""
        self._known.pop(shard, None)

    def moving(self, old: Position, new: Position) -> dict[str, Any]:
        """The item of a transaction that moves a position on, if it is still where it was."""
        was = {} if old.last is None else {":was": old.last}
        return {
            "Update": {
                "TableName": self._table,
                "Key": encode_item({"id": position_id(old.shard), "part": PART}),
                "UpdateExpression": "SET #last = :last, #ttl = :ttl",
                "ConditionExpression": "#last = :was" if was else "attribute_not_exists(#last)",
                "ExpressionAttributeNames": {"#last": "last", "#ttl": "ttl"},
                "ExpressionAttributeValues": encode_item(
                    {":last": new.last, ":ttl": epoch_ms(self._clock() + _KEPT) // 1000, **was}
                ),
            }
        }


def position_id(shard: str) -> str:
    """The id of a shard's position in the jobs table."""
    return f"position#{shard}"
