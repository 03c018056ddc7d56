"""What tasks make and keep: the content table. No TTL; keys start with the tenant, so that all of one's is found."""

import contextvars
import functools
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from backstay import aws
from backstay.clock import iso
from backstay.dynamodb import decode_item, encode_item
from backstay.passing_trouble import passing_trouble
from backstay.settings import Environment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

SHARDS = 8
"""Partitions of a tenant: one alone would take about 1,000 kB of writes a second."""

_DELETED_AT_ONCE = 25  # the most that DynamoDB takes in one batch


class Contents(Protocol):
    """Where content is kept. `ContentTable` is one; a test may bring its own with `using`."""

    def put(self, tenant: str, part: str, body: Mapping[str, Any]) -> None:
        """Keep it under its part, such as `scores#<id>`, in the place of what was there."""

    def put_edit(
        self, tenant: str, part: str, body: Mapping[str, Any], *, fingerprint: str, edited_at: datetime
    ) -> bool:
        """Keep it unless the same or a newer edit is there; answers whether it was kept."""

    def get(self, tenant: str, part: str) -> dict[str, Any] | None:
        """What was put, or None. Numbers come as int or Decimal."""


class ContentTable:
    """Content in DynamoDB.

    Its methods raise `WorkError` of class `unreachable` when DynamoDB does not answer or limits us.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def put(self, tenant: str, part: str, body: Mapping[str, Any]) -> None:
        """Keep it under its part, in the place of what was there."""
        with _passing_trouble():
            aws.dynamodb().put_item(TableName=self._table, Item=encode_item({**key_of(tenant, part), "body": body}))

    def put_edit(
        self, tenant: str, part: str, body: Mapping[str, Any], *, fingerprint: str, edited_at: datetime
    ) -> bool:
        """Keep it unless the same or a newer edit is there; answers whether it was kept."""
        dynamodb = aws.dynamodb()
        edit = {"fingerprint": fingerprint, "edited_at": iso(edited_at)}
        try:
            with _passing_trouble():
                dynamodb.put_item(
                    TableName=self._table,
                    Item=encode_item({**key_of(tenant, part), **edit, "body": body}),
                    ConditionExpression="attribute_not_exists(id)"
                    " OR (fingerprint <> :fingerprint AND edited_at < :edited_at)",
                    ExpressionAttributeValues=encode_item({f":{name}": value for name, value in edit.items()}),
                )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def get(self, tenant: str, part: str) -> dict[str, Any] | None:
        """What was put, read consistently, or None."""
        with _passing_trouble():
            answer = aws.dynamodb().get_item(
                TableName=self._table, Key=encode_item(key_of(tenant, part)), ConsistentRead=True
            )
        return dict(decode_item(answer["Item"])["body"]) if "Item" in answer else None

    def delete_some(self, tenant: str, most: int = 500) -> int:
        """Delete up to so many of a tenant's items; answers how many. None are left when it answers 0."""
        deleted = 0
        for shard in range(SHARDS):
            while deleted < most and (parts := self._parts(tenant, shard, min(_DELETED_AT_ONCE, most - deleted))):
                self._delete(tenant, shard, parts)
                deleted += len(parts)
        return deleted

    def _parts(self, tenant: str, shard: int, most: int) -> list[str]:
        with _passing_trouble():
            answer = aws.dynamodb().query(
                TableName=self._table,
                KeyConditionExpression="id = :id",
                ExpressionAttributeValues={":id": {"S": _partition(tenant, shard)}},
                ProjectionExpression="part",
                Limit=most,
                ConsistentRead=True,
            )
        return [decode_item(item)["part"] for item in answer["Items"]]

    def _delete(self, tenant: str, shard: int, parts: list[str]) -> None:
        keys = [encode_item({"id": _partition(tenant, shard), "part": part}) for part in parts]
        left: Mapping[str, list[WriteRequestTypeDef]] = {self._table: [{"DeleteRequest": {"Key": key}} for key in keys]}
        while left:
            with _passing_trouble():
                left = aws.dynamodb().batch_write_item(RequestItems=left).get("UnprocessedItems", {})  # type: ignore[assignment]


_brought: contextvars.ContextVar[Contents | None] = contextvars.ContextVar("contents", default=None)


def contents() -> Contents:
    """Where tasks keep content: this stage's table, or what `using` brought.

    Raises:
        SettingsError: neither is there.
    """
    return _brought.get() or _table()


@contextmanager
def using(store: Contents) -> Iterator[None]:
    """Keep content elsewhere within the block, such as in a test that has no AWS."""
    token = _brought.set(store)
    try:
        yield
    finally:
        _brought.reset(token)


@functools.cache
def _table() -> ContentTable:
    return ContentTable(Environment.read().content_table)


def key_in_run(tenant: str, run_id: str, name: str) -> dict[str, str]:
    """The key of something that a run keeps. All that is one run's stands together, by `name`."""
    run = f"run#{run_id}"
    return {"id": _partition(tenant, _shard(run)), "part": f"{run}#{name}"}


def partitions_of(tenant: str) -> tuple[str, ...]:
    """Where a tenant's content stands, whatever it is."""
    return tuple(_partition(tenant, shard) for shard in range(SHARDS))


def key_of(tenant: str, part: str) -> dict[str, str]:
    """The key of something that stands by itself."""
    return {"id": _partition(tenant, _shard(part)), "part": part}


def _shard(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % SHARDS


def _partition(tenant: str, shard: int) -> str:
    return f"{tenant}#{shard}"


def _passing_trouble() -> AbstractContextManager[None]:
    return passing_trouble("the content table")
