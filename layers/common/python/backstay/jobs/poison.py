"""Messages that no task could take: on record, so that a list of dead letters needn't receive them from the queue."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backstay import aws
from backstay.clock import epoch_ms
from backstay.dynamodb import encode_item
from backstay.errors import Failure
from backstay.jobs import keys

POISON = "poison"
"""Where other items have a state; also the part of the item's key."""

KEPT = timedelta(days=14)
"""As long as the dead letter queue keeps the message."""

_BODY_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that is no job."""

    id: str
    task: str
    message_id: str
    body: str
    failure: Failure
    at: datetime


class PoisonStore:
    """Writes them where dead letters are listed from."""

    def __init__(self, table: str) -> None:
        self._table = table

    def put(self, task: str, message_id: str, body: str, failure: Failure, now: datetime) -> str:
        """Put a message on record; answers its id. Harmless when repeated."""
        an_id = keys.job_id(keys.DEFAULT_TENANT, task, f"{POISON} {message_id}")
        item = {
            "id": an_id,
            "part": POISON,
            "task": task,
            "state_key": keys.state_key(task, POISON, keys.shard_of(an_id)),
            "state_at": keys.stamp(now, an_id),
            "message_id": message_id,
            "body": body[:_BODY_KEPT],
            "error": [str(failure.error_class), failure.message[:1000]],
            "at": epoch_ms(now),
            "ttl": epoch_ms(now + KEPT) // 1000,
        }
        aws.dynamodb().put_item(TableName=self._table, Item=encode_item(item))
        return an_id
