"""Writes of several items of a table at once: all of them or none."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backstay import aws
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import BackstayError
from backstay.resilience.retry import RetryPolicy, retry_quickly

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

MOST_ITEMS = 100
"""A transaction's."""

STEP_APART = RetryPolicy(attempts=12, base_s=0.04, factor=1.5, cap_s=0.16, floor_s=0.005)
"""Of two that write the same item, one is refused, and comes back a little later."""

Write = Mapping[str, Any]


class MetAnotherError(BackstayError):
    """Others kept writing the same items; nothing was written."""


class UnmetError(BackstayError):
    """Conditions weren't met; nothing was written."""

    def __init__(self, items: Mapping[int, Mapping[str, Any]]) -> None:
        super().__init__(f"the conditions of writes {sorted(items)} were not met")
        self.items = items
        """By the place of the write whose condition failed: the item as it stands, empty where there is none."""


class Transactions:
    """Makes writes to one table, and commits them."""

    def __init__(self, table: str) -> None:
        self._table = table

    def put(self, item: Mapping[str, Any], condition: str = "", values: Mapping[str, Any] | None = None) -> Write:
        """Put an item on condition."""
        return {"Put": {"TableName": self._table, "Item": encode_item(item), **_conditional(condition, values)}}

    def delete_existing(self, an_id: str, part: str) -> Write:
        """Delete an item that must be there."""
        there = _conditional("attribute_exists(id)")
        return {"Delete": {"TableName": self._table, "Key": _key(an_id, part), **there}}

    def check(self, an_id: str, part: str, condition: str) -> Write:
        """Write nothing, and let the rest happen on condition only."""
        return {"ConditionCheck": {"TableName": self._table, "Key": _key(an_id, part), **_conditional(condition)}}

    def add(self, an_id: str, part: str, changes: Mapping[str, int]) -> Write:
        """Add to counters."""
        return {
            "Update": {
                "TableName": self._table,
                "Key": _key(an_id, part),
                "UpdateExpression": "ADD " + ", ".join(f"#{index} :{index}" for index in range(len(changes))),
                "ExpressionAttributeNames": {f"#{index}": name for index, name in enumerate(changes)},
                "ExpressionAttributeValues": encode_item(
                    {f":{index}": change for index, change in enumerate(changes.values())}
                ),
            }
        }

    def set_if_absent(self, an_id: str, part: str, attributes: Mapping[str, Any]) -> Write:
        """Set each attribute that the item doesn't have yet."""
        names = {f"#{index}": name for index, name in enumerate(attributes)}
        return {
            "Update": {
                "TableName": self._table,
                "Key": _key(an_id, part),
                "UpdateExpression": "SET "
                + ", ".join(f"#{index} = if_not_exists(#{index}, :{index})" for index in range(len(attributes))),
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": encode_item(
                    {f":{index}": value for index, value in enumerate(attributes.values())}
                ),
            }
        }

    def commit(self, writes: Sequence[Write]) -> None:
        """Do all of it.

        Raises:
            UnmetError: a condition was not met.
            MetAnotherError: others kept writing the same items.
        """
        retry_quickly(lambda: self._commit(writes), on=(MetAnotherError,), policy=STEP_APART)

    def _commit(self, writes: Sequence[Write]) -> None:
        dynamodb = aws.dynamodb()
        if len(writes) == 1 and (put := writes[0].get("Put")):
            _put_alone(put)  # a transaction of one write costs twice as much
            return
        try:
            dynamodb.transact_write_items(TransactItems=list(writes))  # type: ignore[arg-type]
        except dynamodb.exceptions.TransactionCanceledException as error:
            raise _meaning_of(error) from error


def _put_alone(put: Mapping[str, Any]) -> None:
    dynamodb = aws.dynamodb()
    try:
        dynamodb.put_item(**put)
    except dynamodb.exceptions.ConditionalCheckFailedException as error:
        response: Mapping[str, Any] = error.response
        raise UnmetError({0: decode_item(response.get("Item", {}))}) from error
    except dynamodb.exceptions.TransactionConflictException as error:
        raise MetAnotherError("others keep writing the same item") from error


def _meaning_of(error: "ClientError") -> BackstayError | Exception:
    response: Mapping[str, Any] = error.response
    reasons = list(response.get("CancellationReasons", ()))
    unmet = {
        place: decode_item(reason.get("Item", {}))
        for place, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }
    if unmet:
        return UnmetError(unmet)
    codes = {reason.get("Code", "None") for reason in reasons}
    if codes and codes <= {"None", "TransactionConflict"}:
        return MetAnotherError("others keep writing the same items")
    return error


def _conditional(condition: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    if not condition:
        return {}
    extra: dict[str, Any] = {"ExpressionAttributeValues": encode_item(values)} if values else {}
    return {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD", **extra}


def _key(an_id: str, part: str) -> dict[str, Any]:
    return encode_item({"id": an_id, "part": part})
