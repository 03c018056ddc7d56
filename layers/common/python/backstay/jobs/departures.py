"""Tenants whose data were deleted, remembered for as long as messages of theirs may still come out of a queue."""

from datetime import datetime, timedelta

from backstay import aws
from backstay.clock import epoch_ms
from backstay.dynamodb import encode_item

REMEMBERED = timedelta(days=15)
"""SQS keeps a message for 14 days at most."""

_PART = "departed"


class Departures:
    """Notes and recalls departures. One item a tenant; its name and the day are all that is kept."""

    def __init__(self, table: str) -> None:
        self._table = table

    def note(self, tenant: str, now: datetime) -> None:
        """From now on a message of this tenant's whose job is not on record is dropped instead of put on record."""
        an_id, part = key_of(tenant)
        item = {"id": an_id, "part": part, "ttl": epoch_ms(now + REMEMBERED) // 1000}
        aws.dynamodb().put_item(TableName=self._table, Item=encode_item(item))

    def has(self, tenant: str) -> bool:
        """Whether the tenant's data were deleted lately."""
        an_id, part = key_of(tenant)
        key = encode_item({"id": an_id, "part": part})
        return "Item" in aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)


def key_of(tenant: str) -> tuple[str, str]:
    """Id and part of the item that stands for a tenant's departure."""
    return f"departed#{tenant}", _PART
