"""One item that many processes change: each change is made on what its maker has seen, or not at all."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from backstay import aws
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import BackstayError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BATCH = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """An item as it was seen; version 0 where there was none."""

    version: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)


class Overtaken(BackstayError):  # noqa: N818 - no fault: somebody else was faster
    """The item has changed since it was seen; `now` is what stands there."""

    def __init__(self, now: Seen) -> None:
        super().__init__("the item was changed meanwhile")
        self.now = now


class VersionedItems:
    """Items of a table with the key `id`, each with its version."""

    def __init__(self, table: str) -> None:
        self._table = table

    def read(self, an_id: str) -> Seen:
        """The item as it stands."""
        answer = self._client.get_item(TableName=self._table, Key={"id": {"S": an_id}}, ConsistentRead=True)
        return _seen(answer.get("Item"))

    def read_many(self, ids: list[str]) -> dict[str, Seen]:
        """Several items, by id."""
        found = dict.fromkeys(ids, Seen())
        for start in range(0, len(ids), _BATCH):
            keys = [{"id": {"S": an_id}} for an_id in ids[start : start + _BATCH]]
            wanted: Any = {self._table: {"Keys": keys, "ConsistentRead": True}}
            while wanted:
                answer = self._client.batch_get_item(RequestItems=wanted)
                for item in answer["Responses"].get(self._table, []):
                    found[item["id"]["S"]] = _seen(item)
                wanted = answer["UnprocessedKeys"]
        return found

    def write(self, an_id: str, attributes: Mapping[str, Any], over: int) -> Seen:
        """Put these attributes in place of that version; answers how the item stands then.

        Raises:
            Overtaken: somebody else has changed the item meanwhile.
        """
        written = Seen(over + 1, attributes)
        writer = uuid.uuid4().hex
        request: dict[str, Any] = {
            "Item": encode_item({**attributes, "id": an_id, "version": written.version, "writer": writer}),
            "ConditionExpression": "attribute_not_exists(id)",
        }
        if over:
            request["ConditionExpression"] = "version = :seen"
            request["ExpressionAttributeValues"] = {":seen": {"N": str(over)}}
        try:
            self._client.put_item(TableName=self._table, ReturnValuesOnConditionCheckFailure="ALL_OLD", **request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            stands: Any = error.response.get("Item")
            if stands and stands["writer"]["S"] == writer:
                return written  # botocore asked twice: the first answer was lost, and this is about the second
            raise Overtaken(_seen(stands)) from None
        return written

    @property
    def _client(self) -> "DynamoDBClient":
        return aws.dynamodb_for_guards()


def _seen(item: Mapping[str, Any] | None) -> Seen:
    if item is None:
        return Seen()
    attributes = decode_item(item)
    for own in ("id", "writer"):
        attributes.pop(own)
    return Seen(attributes.pop("version"), attributes)
