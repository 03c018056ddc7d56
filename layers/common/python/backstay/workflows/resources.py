"""What runs own: named resources, each one item beside its run, so that a transaction can move them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from backstay import aws
from backstay.dynamodb import decode_item, encode_item
from backstay.passing_trouble import passing_trouble

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_PREFIX = "resource#"


class Resource(BaseModel):
    """One thing that a run holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    type: str = Field(min_length=1, max_length=40, description="Such as template or validator.")
    name: str = Field(min_length=1, max_length=200, description="Its own among all that its run may come to own.")


def resource_key(run_id: str, name: str) -> dict[str, str]:
    """Where a run's resource stands in the workflows table."""
    return {"id": run_id, "part": f"{_PREFIX}{name}"}


def taking(table: str, run_id: str, resources: Iterable[Resource]) -> "list[TransactWriteItemTypeDef]":
    """The part of a transaction that makes a run the owner of resources."""
    return [
        {
            "Put": {
                "TableName": table,
                "Item": encode_item({**resource_key(run_id, one.name), "type": one.type, "name": one.name}),
            }
        }
        for one in resources
    ]


class ResourceTable:
    """Resources in DynamoDB. Its methods raise `WorkError` of class `unreachable` when DynamoDB fails us."""

    def __init__(self, table: str) -> None:
        self._table = table

    def owned(self, run_id: str) -> tuple[Resource, ...]:
        """All that a run owns."""
        found: list[Resource] = []
        with passing_trouble("the workflows table"):
            pages = (
                aws.dynamodb()
                .get_paginator("query")
                .paginate(
                    TableName=self._table,
                    KeyConditionExpression="id = :id AND begins_with(part, :prefix)",
                    ExpressionAttributeValues=encode_item({":id": run_id, ":prefix": _PREFIX}),
                    ConsistentRead=True,
                )
            )
            for page in pages:
                items = map(decode_item, page["Items"])
                found.extend(Resource(type=item["type"], name=item["name"]) for item in items)
        return tuple(found)

    def release(self, run_id: str, names: Sequence[str]) -> None:
        """Let a run own these no more. What it doesn't own, such as what it has handed over, is left alone."""
        for name in names:
            with passing_trouble("the workflows table"):
                aws.dynamodb().delete_item(TableName=self._table, Key=encode_item(resource_key(run_id, name)))
