"""The seats of a fleet in the guards table: one item a name, in it what each process holds, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from backstay import aws
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import BackstayError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_HOLDER = "holder_"


@dataclass(frozen=True, slots=True)
class Held:
    """What one process holds."""

    seats: int
    until_ms: int
    """Milliseconds since 1970; whoever finds it in the past may free the seats."""
    serial: int
    """Counts its writes."""


NOT_HELD = Held(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Seating:
    """All seats of a name, as they were seen."""

    taken: int = 0
    holders: Mapping[str, Held] = field(default_factory=dict)

    def lapsed(self, now_ms: int) -> dict[str, Held]:
        """Who holds seats beyond the time that was given."""
        return {holder: held for holder, held in self.holders.items() if held.until_ms < now_ms}


class SeatsRefused(BackstayError):  # noqa: N818 - no fault: the decision is the caller's
    """Too few are free, or the process does not hold what it believes; nothing was written."""

    def __init__(self, now: Seating) -> None:
        super().__init__("the seats are taken")
        self.now = now


class SeatTable:
    """Writes the seats of one name."""

    def __init__(self, name: str, table: str) -> None:
        self._id, self._table = f"seats#{name}", table

    def hold(self, holder: str, seen: Held, wanted: Held, at_once: int) -> None:
        """Hold other seats than before, or none.

        Args:
            holder: names the process.
            seen: what it holds.
            wanted: what it is to hold.
            at_once: how many seats there are; asked only by who wants more.

        Raises:
            SeatsRefused: with the seats as they stand.
        """
        more = wanted.seats - seen.seats
        changes = "taken = if_not_exists(taken, :nobody) + :more"
        request: dict[str, Any] = {"UpdateExpression": f"SET {changes} REMOVE #me"}
        values: dict[str, Any] = {":nobody": 0, ":more": more}
        if wanted.seats:
            request["UpdateExpression"] = f"SET {changes}, #me = :wanted"
            values |= {":wanted": {"seats": wanted.seats, "until_ms": wanted.until_ms, "serial": wanted.serial}}
        conditions = ["attribute_not_exists(#me)"]
        if seen.serial:
            conditions = ["#me.serial = :seen"]
            values |= {":seen": seen.serial}
        if more > 0:
            conditions.append("(attribute_not_exists(taken) OR taken <= :room)")
            values |= {":room": at_once - more}
        try:
            self._update(request, holder, conditions, values)
        except SeatsRefused as refused:
            if refused.now.holders.get(holder, NOT_HELD) != wanted:
                raise
            # botocore asked twice: the first answer was lost, and this is about the second

    def free(self, holder: str, lapsed: Held) -> None:
        """Free what somebody holds, unless that has changed since it was seen."""
        request = {"UpdateExpression": "SET taken = taken - :seats REMOVE #me"}
        values = {":seats": lapsed.seats, ":seen": lapsed.serial, ":until": lapsed.until_ms}
        try:
            self._update(request, holder, ["#me.serial = :seen", "#me.until_ms = :until"], values)
        except SeatsRefused:
            return  # its process is alive, or somebody else was faster

    def _update(
        self, request: Mapping[str, Any], holder: str, conditions: list[str], values: Mapping[str, Any]
    ) -> None:
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": self._id}},
                ConditionExpression=" AND ".join(conditions),
                ExpressionAttributeNames={"#me": f"{_HOLDER}{holder}"},
                ExpressionAttributeValues=encode_item(values),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **request,
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            stands: Any = error.response
            raise SeatsRefused(_seating(stands.get("Item", {}))) from None

    @property
    def _client(self) -> "DynamoDBClient":
        return aws.dynamodb_for_guards()


def _seating(item: Mapping[str, Any]) -> Seating:
    attributes = decode_item(item)
    holders = {
        name.removeprefix(_HOLDER): Held(**held) for name, held in attributes.items() if name.startswith(_HOLDER)
    }
    return Seating(attributes.get("taken", 0), holders)
