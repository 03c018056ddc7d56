"""Jobs' inputs: stored once, beside the record or in S3, and read when no message brought them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backstay import aws, config
from backstay.clock import epoch_ms, from_epoch_ms
from backstay.dynamodb import encode_item
from backstay.errors import BackstayError
from backstay.jobs.items import STATE_PART
from backstay.jobs.payloads import ITEM_BYTES, MissingPayloadError, PayloadBucket, pack, unpack
from backstay.jobs.record import JobRecord
from backstay.jobs.store import JobStore
from backstay.settings import Environment

INPUT_PART = "input"

_ABANDONED_AFTER = timedelta(minutes=15)


def input_kept() -> timedelta:
    """How long an input stays after its job was due or revived: longer than any record by the longest usual wait."""
    jobs = config.load().jobs
    return timedelta(days=max(jobs.keep_completed_days, jobs.keep_failed_days) + 2)


class InputTakenError(BackstayError):
    """The job's input is stored already, and it is another one."""


@dataclass(frozen=True, slots=True)
class Input:
    """A job's input. What is small travels in messages too."""

    digest: str
    document: Mapping[str, Any]
    travels: bool

    @property
    def for_message(self) -> Mapping[str, Any] | None:
        """The input, where it is small enough for a message."""
        return self.document if self.travels else None


class Inputs:
    """Writes and reads the inputs of jobs."""

    def __init__(self, env: Environment) -> None:
        self._table, self._store = env.jobs_table, JobStore(env.jobs_table)
        self._bucket = PayloadBucket(env.payloads_bucket)

    def put(self, record: JobRecord, text: str, now: datetime) -> bool:
        """Store a new job's input; answers whether it is small enough to travel in messages.

        Raises:
            InputTakenError: another input is stored under this job.
        """
        size = len(text.encode())
        small = size <= ITEM_BYTES
        s3_key = None if small else f"inputs/{record.tenant}/{record.id}/{record.input_digest}"
        if s3_key:
            self._bucket.put(s3_key, text)
        item: dict[str, Any] = {
            "id": record.id,
            "part": INPUT_PART,
            "digest": record.input_digest,
            "stored_at": epoch_ms(now),
            "ttl": epoch_ms((record.due_at or now) + input_kept()) // 1000,
            "body": pack(text) if small else None,
            "s3": s3_key,
            "size": None if small else size,
        }
        old = self._store.put_if(item, "attribute_not_exists(id)")
        if old and old["digest"] != record.input_digest and not self._replace_abandoned(old, item, now):
            raise InputTakenError(f"job {record.id} has another input already")
        return small

    def get(self, job_id: str) -> Input:
        """A job's input.

        Raises:
            MissingPayloadError: it is past its retention.
        """
        return self._load(self._item(job_id))

    def get_or_link(self, job_id: str, most_bytes: int) -> Input | str:
        """A job's input, or a URL that reads it for an hour when it is larger than that.

        Raises:
            MissingPayloadError: it is past its retention.
        """
        item = self._item(job_id)
        return self._bucket.link(item["s3"]) if item.get("size", 0) > most_bytes else self._load(item)

    def _item(self, job_id: str) -> Mapping[str, Any]:
        item = self._store.get_part(job_id, INPUT_PART)
        if item is None:
            raise MissingPayloadError(f"the input of job {job_id} is past its retention")
        return item

    def _load(self, item: Mapping[str, Any]) -> Input:
        if "body" in item:
            return Input(item["digest"], json.loads(unpack(item["body"])), travels=True)
        return Input(item["digest"], json.loads(self._bucket.get(item["s3"])), travels=False)

    def prolong(self, job_id: str, now: datetime) -> None:
        """A job that is run anew needs its input for as long again."""
        aws.dynamodb().update_item(
            TableName=self._table,
            Key={"id": {"S": job_id}, "part": {"S": INPUT_PART}},
            UpdateExpression="SET #ttl = :ttl",
            ExpressionAttributeNames={"#ttl": "ttl"},
            ExpressionAttributeValues=encode_item({":ttl": epoch_ms(now + input_kept()) // 1000}),
            ConditionExpression="attribute_exists(id)",
        )

    def _replace_abandoned(self, old: Mapping[str, Any], item: Mapping[str, Any], now: datetime) -> bool:
        """Take the place of an input without a record: left from a submit that died, not from one under way."""
        if now - from_epoch_ms(old["stored_at"]) < _ABANDONED_AFTER:
            return False
        if self._store.get_part(old["id"], STATE_PART) is not None:
            return False
        return self._store.put_if(item, "digest = :old", {":old": old["digest"]}) is None
