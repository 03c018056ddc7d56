"""The jobs table: every write of a job, each conditional on what the writer believes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from backstay import aws
from backstay.clock import epoch_ms
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import BackstayError
from backstay.jobs import keys
from backstay.jobs.items import STATE_PART, from_item, to_item
from backstay.jobs.payloads import pack, unpack
from backstay.jobs.record import JobRecord, State

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

RESULT_PART = "result"

_EARLY = timedelta(seconds=1)
"""A message may be a moment early for its job: SQS and the Scheduler count whole seconds."""


class LostLeaseError(BackstayError):
    """Somebody else has changed the job since this worker claimed it; nothing was written."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A claim that was not granted, with the job as it stands; None when there is no such job."""

    record: JobRecord | None


def _item_in_the_way(error: "ClientError") -> dict[str, Any] | None:
    """The item that made a condition fail, which DynamoDB sends along on request."""
    response: Mapping[str, Any] = error.response
    return decode_item(response["Item"]) if response.get("Item") else None


class JobStore:
    """Reads and writes of the jobs table by key."""

    def __init__(self, table: str) -> None:
        self.table = table

    def create(self, record: JobRecord) -> JobRecord | None:
        """Write a new job's record; answers the one that was there already, if any."""
        old = self.put_if(to_item(record), "attribute_not_exists(id)")
        return from_item(old) if old else None

    def put_if(
        self, item: Mapping[str, Any], condition: str, values: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Put on condition; answers the item in the way, or None when it was written."""
        dynamodb = aws.dynamodb()
        extra: dict[str, Any] = {"ExpressionAttributeValues": encode_item(values)} if values else {}
        try:
            dynamodb.put_item(
                TableName=self.table,
                Item=encode_item(item),
                ConditionExpression=condition,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **extra,
            )
        except dynamodb.exceptions.ConditionalCheckFailedException as error:
            return _item_in_the_way(error)
        return None

    def get(self, job_id: str) -> JobRecord | None:
        """A job's record, read consistently, or None."""
        item = self.get_part(job_id, STATE_PART)
        return from_item(item) if item else None

    def get_part(self, job_id: str, part: str) -> dict[str, Any] | None:
        """Any item of a job as plain values, or None."""
        answer = aws.dynamodb().get_item(
            TableName=self.table, Key={"id": {"S": job_id}, "part": {"S": part}}, ConsistentRead=True
        )
        return decode_item(answer["Item"]) if "Item" in answer else None

    def get_many(self, job_ids: Iterable[str]) -> list[JobRecord]:
        """Records in the order of the ids; those that are gone are left out. At most 100."""
        return [from_item(item) for item in self.get_items((job_id, STATE_PART) for job_id in job_ids)]

    def get_items(self, keys_wanted: Iterable[tuple[str, str]], *, consistently: bool = False) -> list[dict[str, Any]]:
        """Items by id and part, in that order and as plain values; those that are gone are left out. At most 100."""
        wanted = list(dict.fromkeys(keys_wanted))
        found: dict[tuple[str, str], dict[str, Any]] = {}
        request: dict[str, Any] = {
            self.table: {
                "Keys": [{"id": {"S": an_id}, "part": {"S": part}} for an_id, part in wanted],
                "ConsistentRead": consistently,
            }
        }
        while wanted and request:
            answer = aws.dynamodb().batch_get_item(RequestItems=request)
            for item in map(decode_item, answer["Responses"].get(self.table, ())):
                found[item["id"], item["part"]] = item
            request = dict(answer.get("UnprocessedKeys", {}))
        return [found[key] for key in wanted if key in found]

    def put_text(self, job_id: str, part: str, text: str, expires_at: datetime) -> None:
        """Store a large result, or the answer of one model call, beside the record."""
        item = {"id": job_id, "part": part, "body": pack(text), "ttl": epoch_ms(expires_at) // 1000}
        aws.dynamodb().put_item(TableName=self.table, Item=encode_item(item))

    def get_text(self, job_id: str, part: str) -> str | None:
        """What `put_text` stored, or None."""
        item = self.get_part(job_id, part)
        return unpack(item["body"]) if item else None

    def delete_part(self, job_id: str, part: str) -> None:
        """Delete an item; nothing happens when it isn't there."""
        aws.dynamodb().delete_item(TableName=self.table, Key={"id": {"S": job_id}, "part": {"S": part}})

    def delete_all(self, an_id: str) -> int:
        """Delete every item of an id, the record last, so that a run that dies between is taken up again.

        Answers how many there were.
        """
        pages = aws.dynamodb().get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": {"S": an_id}},
            ProjectionExpression="part",
            ConsistentRead=True,
        )  # fmt: skip
        parts = [item["part"]["S"] for page in pages for item in page["Items"]]
        for part in sorted(parts, key=lambda part: part == STATE_PART):
            self.delete_part(an_id, part)
        return len(parts)

    def get_texts(self, job_id: str, prefix: str) -> dict[str, str]:
        """All that `put_text` stored under parts that start so."""
        answer = aws.dynamodb().query(
            TableName=self.table,
            KeyConditionExpression="id = :id AND begins_with(part, :prefix)",
            ExpressionAttributeValues={":id": {"S": job_id}, ":prefix": {"S": prefix}},
            ConsistentRead=True,
        )
        return {item["part"]: unpack(item["body"]) for item in map(decode_item, answer["Items"])}

    def claim(self, job_id: str, task: str, now: datetime, lease: timedelta, company: int) -> JobRecord | Refused:
        """Take a job that waits: in one write the idempotency check, the state change and the attempt count."""
        return self._claim(
            job_id, task, now, lease, company,
            condition="(#state = :waiting OR (#state = :delayed AND due_at <= :early))"
            " AND attribute_not_exists(cancel_requested)",
            values={":waiting": State.WAITING, ":delayed": State.DELAYED, ":early": epoch_ms(now + _EARLY)},
        )  # fmt: skip

    def reclaim(self, record: JobRecord, now: datetime, lease: timedelta) -> JobRecord | Refused:
        """Take over, alone, a job whose last worker never came back."""
        excused = record.excused + (1 if record.company > 1 else 0)
        return self._claim(
            record.id, record.task, now, lease, 1,
            condition="#state = :active AND lease_until <= :now AND fence = :fence",
            values={":fence": record.fence, ":excused": excused, ":uncertain": True},
            sets="excused = :excused, uncertain = :uncertain",
        )  # fmt: skip

    def save(self, old: JobRecord, new: JobRecord) -> None:
        """Write what changed, if the job is still as `old` says.

        Raises:
            LostLeaseError: it is not; carries nothing over.
        """
        before, after = to_item(old), to_item(new)
        changed = {name: value for name, value in after.items() if before.get(name) != value}
        removed = sorted(set(before) - set(after))
        if not changed and not removed:
            return
        names = {f"#{name}": name for name in (*changed, *removed, "state")}
        values = {f":{name}": value for name, value in changed.items()} | {":was": str(old.state)}
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in changed)
        if removed:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in removed)
        condition = "#state = :was"
        if old.fence:
            values[":old_fence"] = old.fence
            condition += " AND fence = :old_fence"
        if old.state is State.ACTIVE and not old.cancel_requested:
            condition += " AND attribute_not_exists(cancel_requested)"
        dynamodb = aws.dynamodb()
        try:
            dynamodb.update_item(
                TableName=self.table,
                Key={"id": {"S": old.id}, "part": {"S": STATE_PART}},
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=encode_item(values),
            )
        except dynamodb.exceptions.ConditionalCheckFailedException as error:
            raise LostLeaseError(f"job {old.id} is no longer {old.state} under claim {old.fence}") from error

    def report_progress(self, record: JobRecord, percent: int, note: str) -> bool:
        """Store progress; answers whether somebody cancelled the job meanwhile.

        Raises:
            LostLeaseError: another worker holds the job now.
        """
        dynamodb = aws.dynamodb()
        try:
            answer = dynamodb.update_item(
                TableName=self.table,
                Key={"id": {"S": record.id}, "part": {"S": STATE_PART}},
                UpdateExpression="SET progress = :percent, note = :note",
                ConditionExpression="#state = :active AND fence = :fence",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=encode_item(
                    {":percent": percent, ":note": note, ":active": str(State.ACTIVE), ":fence": record.fence}
                ),
                ReturnValues="ALL_NEW",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException as error:
            raise LostLeaseError(f"job {record.id} is no longer active under claim {record.fence}") from error
        return "cancel_requested" in answer["Attributes"]

    def _claim(
        self, job_id: str, task: str, now: datetime, lease: timedelta, company: int,
        *, condition: str, values: Mapping[str, Any], sets: str = "",
    ) -> JobRecord | Refused:  # fmt: skip
        moved = {
            ":active": str(State.ACTIVE),
            ":state_key": keys.state_key(task, State.ACTIVE, keys.shard_of(job_id)),
            ":state_at": keys.stamp(now, job_id),
            ":now": epoch_ms(now),
            ":lease": epoch_ms(now + lease),
            ":company": company,
            ":one": 1,
        }
        expression = (
            "SET #state = :active, state_key = :state_key, state_at = :state_at, changed_at = :now, claimed_at = :now,"
            " lease_until = :lease, company = :company, started_at = if_not_exists(started_at, :now)"
            + (f", {sets}" if sets else "")
            + " REMOVE due_at, budget, budget_key, reason, progress, note, resends, resent_at"
            " ADD fence :one, attempts :one"
        )
        dynamodb = aws.dynamodb()
        try:
            answer = dynamodb.update_item(
                TableName=self.table,
                Key={"id": {"S": job_id}, "part": {"S": STATE_PART}},
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=encode_item({**moved, **values}),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException as error:
            old = _item_in_the_way(error)
            return Refused(from_item(old) if old else None)
        return from_item(decode_item(answer["Attributes"]))
