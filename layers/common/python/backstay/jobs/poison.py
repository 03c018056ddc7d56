"""Messages that no task could take: on record, so that a list of dead letters needn't receive them from the queue."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backstay import aws
from backstay.clock import epoch_ms, from_epoch_ms
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import ErrorClass, Failure
from backstay.jobs import keys
from backstay.jobs.payloads import pack, unpack

POISON = "poison"
"""Where other items have a state; also the part of the item's key."""

KEPT = timedelta(days=14)
"""As long as the dead letter queue keeps the message."""

_BODY_KEPT_BYTES = 200_000  # an item ends at 400 KB, and a body that can't be packed stays as long as it is


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that is no job."""

    id: str
    task: str
    message_id: str
    body: str
    failure: Failure
    at: datetime
    whole: bool = True
    """Whether `body` is all of it. The rest of a cut one lies in the dead letter queue only."""

    @property
    def tenant(self) -> str:
        """Who seems to have sent it; the default tenant when it doesn't say."""
        return keys.tenant_of(self.id)


class PoisonStore:
    """Writes and reads them where dead letters are listed from."""

    def __init__(self, table: str) -> None:
        self._table = table

    def put(self, task: str, message_id: str, body: str, failure: Failure, now: datetime) -> Poison:
        """Put a message on record. Harmless when repeated."""
        an_id = keys.job_id(_sender(body), task, f"{POISON} {message_id}")
        poison = Poison(an_id, task, message_id, body, failure, now)
        aws.dynamodb().put_item(TableName=self._table, Item=encode_item(_item(poison)))
        return poison

    def get(self, an_id: str) -> Poison | None:
        """What is on record under this id, or None."""
        answer = aws.dynamodb().get_item(TableName=self._table, Key=_key(an_id), ConsistentRead=True)
        return from_item(decode_item(answer["Item"])) if "Item" in answer else None

    def delete(self, an_id: str) -> None:
        """Take it off the record: its message is gone, or in its queue again."""
        aws.dynamodb().delete_item(TableName=self._table, Key=_key(an_id))


def _sender(body: str) -> str:
    """The tenant that a message names, so that it goes with the tenant's data."""
    try:
        document = json.loads(body)
    except ValueError:
        return keys.DEFAULT_TENANT
    if not isinstance(document, dict):
        return keys.DEFAULT_TENANT
    named, job_id = document.get("tenant"), document.get("job_id")
    if isinstance(job_id, str) and keys.is_job_id(job_id):
        return keys.tenant_of(job_id)
    return named if isinstance(named, str) and keys.is_tenant(named) else keys.DEFAULT_TENANT


def _item(poison: Poison) -> dict[str, Any]:
    shard = keys.shard_of(poison.id)
    kept = poison.body.encode()[:_BODY_KEPT_BYTES].decode(errors="ignore")
    return {
        "id": poison.id,
        "part": POISON,
        "task": poison.task,
        "state_key": keys.state_key(poison.task, POISON, shard),
        "state_at": keys.stamp(poison.at, poison.id),
        "tenant_key": keys.tenant_key(poison.tenant, shard),
        "created_at": keys.stamp(poison.at, poison.id),
        "message_id": poison.message_id,
        "body": pack(kept),
        "cut": True if len(kept) < len(poison.body) else None,
        "error": [str(poison.failure.error_class), poison.failure.message[:1000]],
        "at": epoch_ms(poison.at),
        "ttl": epoch_ms(poison.at + KEPT) // 1000,
    }


def from_item(item: Mapping[str, Any]) -> Poison:
    """What `put` wrote, from plain attributes."""
    kind, message = item["error"]
    return Poison(
        id=item["id"],
        task=item["task"],
        message_id=item["message_id"],
        body=unpack(item["body"]),
        failure=Failure(ErrorClass(kind), message),
        at=from_epoch_ms(item["at"]),
        whole="cut" not in item,
    )


def _key(an_id: str) -> Any:
    return encode_item({"id": an_id, "part": POISON})
