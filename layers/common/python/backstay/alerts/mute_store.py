"""Silences and maintenance windows in the alerts table."""

import contextlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from backstay import aws
from backstay.alerts.muting import Covers, MaintenanceWindow, Mute, Silence
from backstay.clock import epoch_ms, from_iso, iso
from backstay.dynamodb import decode_item, encode_item

M = TypeVar("M", Silence, MaintenanceWindow)

_LIST = "mutes"
_KEEP = timedelta(days=90)
"""After its end, so that what names it can be understood."""


def new_silence_id() -> str:
    """An id for a silence."""
    return f"silence-{secrets.token_hex(6)}"


def new_window_id() -> str:
    """An id for a maintenance window."""
    return f"maintenance-{secrets.token_hex(6)}"


class MuteStore:
    """Reads and writes of what mutes alerts."""

    def __init__(self, table: str) -> None:
        self._table = table

    def put(self, mute: Mute) -> None:
        """Write a new one."""
        aws.dynamodb().put_item(TableName=self._table, Item=encode_item(_to_item(mute)))

    def get(self, mute_id: str) -> Mute | None:
        """One by its id, or None."""
        answer = aws.dynamodb().get_item(TableName=self._table, Key=_key(mute_id), ConsistentRead=True)
        return _from_item(decode_item(answer["Item"])) if "Item" in answer else None

    def not_over(self, now: datetime) -> list[Mute]:
        """All that are in force or will be, the first to end first."""
        pages = aws.dynamodb().get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by_list",
            KeyConditionExpression="#list = :list AND listed_at > :now",
            ExpressionAttributeNames={"#list": "list"},
            ExpressionAttributeValues=encode_item({":list": _LIST, ":now": iso(now)}),
        )  # fmt: skip
        return [_from_item(item) for page in pages for item in map(decode_item, page["Items"])]

    def end(self, kind: type[M], mute_id: str, at: datetime) -> M | None:
        """Let one end now, or before it has begun; answers it as it stands then, None where there is none of the kind.

        One that is over stays as it is.
        """
        if not isinstance(self.get(mute_id), kind):
            return None
        dynamodb = aws.dynamodb()
        with contextlib.suppress(dynamodb.exceptions.ConditionalCheckFailedException):  # then it is over
            dynamodb.update_item(
                TableName=self._table,
                Key=_key(mute_id),
                UpdateExpression="SET ends_at = :at, listed_at = :at, #ttl = :ttl",
                ConditionExpression="ends_at > :at",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues=encode_item({":at": iso(at), ":ttl": _ttl(at)}),
            )
        ended = self.get(mute_id)
        return ended if isinstance(ended, kind) else None


def _to_item(mute: Mute) -> dict[str, Any]:
    own: dict[str, Any] = (
        {"covers": str(mute.covers), "value": mute.value}
        if isinstance(mute, Silence)
        else {"categories": list(mute.categories)}
    )
    return {
        "id": _name(mute.id),
        **own,
        "begins_at": iso(mute.begins_at),
        "ends_at": iso(mute.ends_at),
        "by": mute.by,
        "reason": mute.reason,
        "list": _LIST,
        "listed_at": iso(mute.ends_at),
        "ttl": _ttl(mute.ends_at),
    }


def _from_item(item: Mapping[str, Any]) -> Mute:
    mute_id = item["id"].partition("#")[2]
    begins_at, ends_at = from_iso(item["begins_at"]), from_iso(item["ends_at"])
    if "covers" in item:
        return Silence(mute_id, Covers(item["covers"]), item["value"], begins_at, ends_at, item["by"], item["reason"])
    return MaintenanceWindow(mute_id, tuple(item["categories"]), begins_at, ends_at, item["by"], item["reason"])


def _name(mute_id: str) -> str:
    return f"mute#{mute_id}"


def _key(mute_id: str) -> Any:
    return encode_item({"id": _name(mute_id)})


def _ttl(ends_at: datetime) -> int:
    return epoch_ms(ends_at + _KEEP) // 1000
