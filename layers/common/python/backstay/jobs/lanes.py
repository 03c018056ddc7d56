"""Order by key: jobs of one lane run one at a time, and the end of one sends the next."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from backstay import aws
from backstay.clock import Clock, epoch_ms, utc_now
from backstay.dynamodb import decode_item, encode_item
from backstay.jobs import keys
from backstay.jobs.record import JobRecord

_HEAD = "head"
_ENTRY = "entry#"

_KEPT = timedelta(days=400)
"""A head goes so long after its last number or turn. No job waits longer: a year at most, and a day for the world."""

_HEAD_STANDS = (
    "tenant_key = if_not_exists(tenant_key, :tenant), created_at = if_not_exists(created_at, :now), #ttl = :ttl"
)


def lane_id(tenant: str, task: str, value: str) -> str:
    """The id under which a lane's head and entries stand in the jobs table."""
    digest = hashlib.sha256(f"{task}\n{value}".encode()).hexdigest()[:24]
    return f"{tenant}.lane-{digest}"


class Lanes:
    """The lanes in the jobs table: a head with the job whose turn it is, and an entry for each job that is not over."""

    def __init__(self, table: str, clock: Clock = utc_now) -> None:
        self._table, self._clock = table, clock

    def take_number(self, lane: str) -> int:
        """The next number in a lane. Numbers may have gaps; their order is the order of submission.

        A new head begins with the time in milliseconds, so that no number is given twice where an old one has gone.
        """
        answer = aws.dynamodb().update_item(
            TableName=self._table,
            Key=_key(lane, _HEAD),
            UpdateExpression=f"SET taken = if_not_exists(taken, :start) + :one, {_HEAD_STANDS}",
            ExpressionAttributeNames={"#ttl": "ttl"},
            ExpressionAttributeValues=encode_item(
                {":one": 1, ":start": epoch_ms(self._clock()), **self._standing(lane)}
            ),
            ReturnValues="UPDATED_NEW",
        )
        return int(decode_item(answer["Attributes"])["taken"])

    def enter(self, record: JobRecord) -> None:
        """Stand in line. Harmless when repeated."""
        lane, number = _place(record)
        item = {"id": lane, "part": _entry(number), "job": record.id}
        aws.dynamodb().put_item(TableName=self._table, Item=encode_item(item))

    def leave(self, record: JobRecord) -> None:
        """The job is over: leave the line, and free the head if it was this job's turn."""
        lane, number = _place(record)
        aws.dynamodb().delete_item(TableName=self._table, Key=_key(lane, _entry(number)))
        self._move_head(lane, "REMOVE turn", "turn = :me", {":me": record.id})

    def strike(self, lane: str, job_id: str) -> None:
        """Leave in the name of a job that ended without leaving, even one whose record is gone."""
        answer = aws.dynamodb().query(
            TableName=self._table,
            KeyConditionExpression="id = :lane AND begins_with(part, :entry)",
            ExpressionAttributeValues=encode_item({":lane": lane, ":entry": _ENTRY}),
            ConsistentRead=True,
        )
        for entry in map(decode_item, answer["Items"]):
            if entry["job"] == job_id:
                key = _key(lane, entry["part"])
                aws.dynamodb().delete_item(TableName=self._table, Key=key)
        self._move_head(lane, "REMOVE turn", "turn = :me", {":me": job_id})

    def turn(self, lane: str) -> str | None:
        """The job whose turn it is, read consistently."""
        answer = aws.dynamodb().get_item(TableName=self._table, Key=_key(lane, _HEAD), ConsistentRead=True)
        return decode_item(answer["Item"]).get("turn") if "Item" in answer else None

    def call_next(self, lane: str) -> str | None:
        """Give the turn to the first in line when nobody has it; answers whose turn it became, if anybody's.

        A job that enters while the head is freed finds either a free head or this call's reading of the line, so
        whoever comes last sees the other.
        """
        while first := self._first(lane):
            if self._give_turn(lane, first):
                return first
            if self.turn(lane) is not None:
                return None
        return None

    def _first(self, lane: str) -> str | None:
        answer = aws.dynamodb().query(
            TableName=self._table,
            KeyConditionExpression="id = :lane AND begins_with(part, :entry)",
            ExpressionAttributeValues=encode_item({":lane": lane, ":entry": _ENTRY}),
            ConsistentRead=True,
            Limit=1,
        )
        return str(decode_item(answer["Items"][0])["job"]) if answer["Items"] else None

    def _give_turn(self, lane: str, job_id: str) -> bool:
        update = f"SET turn = :job, {_HEAD_STANDS}"
        values = {":job": job_id, **self._standing(lane)}
        return self._move_head(lane, update, "attribute_not_exists(turn)", values, {"#ttl": "ttl"})

    def _standing(self, lane: str) -> dict[str, Any]:
        """Values of `_HEAD_STANDS`. A head is in the index by tenant, so that deleting a tenant's data finds it."""
        now = self._clock()
        return {
            ":tenant": keys.tenant_key(keys.tenant_of(lane), keys.shard_of(lane)),
            ":now": keys.stamp(now, lane),
            ":ttl": epoch_ms(now + _KEPT) // 1000,
        }

    def _move_head(
        self, lane: str, update: str, condition: str, values: dict[str, Any], names: dict[str, str] | None = None
    ) -> bool:
        dynamodb = aws.dynamodb()
        request: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
        try:
            dynamodb.update_item(
                TableName=self._table,
                Key=_key(lane, _HEAD),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=encode_item(values),
                **request,
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


class Line:
    """What submitting and finishing do with a lane: send the job whose turn it becomes."""

    def __init__(self, lanes: Lanes, send: Callable[[str], bool]) -> None:
        """`send` sends a job's message; it answers False for a job that is over."""
        self._lanes, self._send = lanes, send

    def join(self, record: JobRecord) -> None:
        """Stand in line, and send whoever's turn it becomes."""
        self._lanes.enter(record)
        self._send_next(record)

    def pass_on(self, record: JobRecord) -> None:
        """The job is over: the next one is sent."""
        self._lanes.leave(record)
        self._send_next(record)

    def _send_next(self, record: JobRecord) -> None:
        lane, _ = _place(record)
        while (job_id := self._lanes.call_next(lane)) is not None and not self._send(job_id):
            # It left between the look at the line and the turn that it was given.
            self._lanes.strike(lane, job_id)


def _place(record: JobRecord) -> tuple[str, int]:
    if record.lane is None or record.lane_number is None:
        raise ValueError(f"job {record.id} stands in no lane")
    return record.lane, record.lane_number


def _entry(number: int) -> str:
    return f"{_ENTRY}{number:012d}"


def _key(lane: str, part: str) -> dict[str, Any]:
    return {"id": {"S": lane}, "part": {"S": part}}
