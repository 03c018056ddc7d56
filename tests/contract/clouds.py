"""The clouds that Backstay is tested on, behind one face, and the table of what they are held to."""

import functools
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from cli.local.environment import REGION

ACCEPTED = "accepted"
MINISTACK, MOTO, MEMORY = "ministack", "moto", "memory"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Deviation:
    """One cloud that does something else than AWS where Backstay relies on it."""

    cloud: str
    sees: object
    """What a test sees there instead; an upgrade that mends or worsens it fails the test."""
    so: str
    """What follows for Backstay, and what its code or its tests do about it."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud. `endpoint_url` is None for those that answer in this process."""

    name: str
    account: str
    endpoint_url: str | None
    own_clients: Mapping[str, Any] | None = None
    """By service, where none of boto3's reaches it."""

    def client(self, service: str) -> Any:
        """A client of this cloud that retries nothing, so that every answer is seen."""
        return self.own_clients[service] if self.own_clients else _client(service, self.endpoint_url)

    def does(self, seen: object, *, aws: object, source: str, but: Sequence[Deviation] = ()) -> None:
        """Hold this cloud to what AWS does, or to its known deviation.

        Args:
            seen: what it did.
            aws: what AWS does.
            source: where AWS says so.
            but: the clouds that are known to do otherwise.
        """
        known = next((deviation for deviation in but if deviation.cloud == self.name), None)
        saw = f"{self.name} does {seen!r}; AWS does {aws!r} ({source})"
        if known is None:
            assert seen == aws, saw
            return
        assert known.sees != aws, "a deviation that does what AWS does is none"
        assert seen != aws, f"{saw}: remove its deviation, and see whether this still holds: {known.so}"
        assert seen == known.sees, f"{saw}; it was known for {known.sees!r}. Does this still hold: {known.so}"

    def table(self, *, indexes: Mapping[str, tuple[str, str]] | None = None, stream: bool = False) -> str:
        """A new table with the keys of the jobs table, and keys-only indexes; answers its name."""
        name = unique("table")
        names = {"id", "part", *(key for keys in (indexes or {}).values() for key in keys)}
        more: dict[str, Any] = {}
        if indexes:
            more["GlobalSecondaryIndexes"] = [
                {"IndexName": index, "KeySchema": _schema(keys), "Projection": {"ProjectionType": "KEYS_ONLY"}}
                for index, keys in indexes.items()
            ]
        if stream:
            more["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        self.client("dynamodb").create_table(
            TableName=name,
            KeySchema=_schema(("id", "part")),
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in sorted(names)],
            BillingMode="PAY_PER_REQUEST",
            **more,
        )
        return name

    def queue(self, **attributes: str) -> "Queue":
        """A new standard queue."""
        url = self.client("sqs").create_queue(QueueName=unique("queue"), Attributes=attributes)["QueueUrl"]
        return Queue(self.client("sqs"), url)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, and the few things that tests do with one."""

    sqs: Any
    url: str

    @property
    def arn(self) -> str:
        """As policies and event sources name it."""
        return str(self.attribute("QueueArn"))

    def attribute(self, name: str) -> str:
        """One attribute."""
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return str(answer["Attributes"][name])

    def send(self, body: str = "work", **more: Any) -> str:
        """Send a message; answers its id."""
        return str(self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)["MessageId"])

    def receive(self, wait_s: int = 0, **more: Any) -> list[dict[str, Any]]:
        """Messages that are visible, with all of their attributes."""
        answer = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=wait_s,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
            **more,
        )
        return list(answer.get("Messages", []))

    def receive_one(self, wait_s: int = 5, **more: Any) -> dict[str, Any]:
        """The only message that is visible, or becomes so within that time."""
        (message,) = self.receive(wait_s, **more)
        return message

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Change a message's visibility."""
        self.sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds)

    def delete(self, receipt_handle: str) -> None:
        """Acknowledge a message."""
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=receipt_handle)

    def depths(self) -> tuple[int, int, int]:
        """How many messages are visible, in flight, and delayed."""
        names = ["ApproximateNumberOfMessages"]
        names += [names[0] + suffix for suffix in ("NotVisible", "Delayed")]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        visible, in_flight, delayed = (int(found[name]) for name in names)
        return visible, in_flight, delayed


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A schedule that sends to a queue at a moment, in seconds since 1970."""

    name: str
    queue: Queue
    due: float


SCHEDULED_INPUT = '{"task":"obey","job_id":"acme.job"}'


def schedule(cloud: Cloud, name: str, queue: Queue, in_s: float = 3600, group: str = "default") -> float:
    """A one-time schedule that sends to a queue; answers when it is due, in seconds since 1970."""
    due = (datetime.now(UTC) + timedelta(seconds=in_s)).replace(microsecond=0)
    cloud.client("scheduler").create_schedule(
        Name=name,
        GroupName=group,
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={
            "Arn": queue.arn,
            "RoleArn": f"arn:aws:iam::{cloud.account}:role/schedules",
            "Input": SCHEDULED_INPUT,
        },
    )
    return due.timestamp()


def outcome(call: Callable[[], object]) -> str:
    """`accepted`, or the code of the refusal. moto answers in this process: what it lacks raises here."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    except (KeyError, NotImplementedError) as error:
        return type(error).__name__
    return ACCEPTED


def eventually(look: Callable[[], T], within_s: float = 30) -> T:
    """What `look` sees as soon as it is something, or at last."""
    deadline = time.monotonic() + within_s
    while not (seen := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return seen


def unique(kind: str) -> str:
    """A name that nothing else has."""
    return f"{kind}-{uuid.uuid4().hex[:12]}"


def _schema(keys: Sequence[str]) -> list[dict[str, str]]:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)]


@functools.cache
def _client(service: str, endpoint_url: str | None) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            retries={"max_attempts": 0},
            max_pool_connections=50,
            proxies={},
            ignore_configured_endpoint_urls=True,
            s3={"addressing_style": "path"},
            signature_version="s3v4" if service == "s3" else None,
        ),
    )
