"""The stack's tables and queues in moto, in this process, and batches of messages for a worker."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from backstay import aws
from backstay.catalog import Catalog
from backstay.settings import Environment
from bench.capacity import Index, Item, Table

ROOT = Path(__file__).parent.parent
FUNCTIONS = ROOT / "functions"
BENCH_TASKS = Path(__file__).parent / "tasks"
STAGE = "bench"
_ACCOUNT, _REGION = "123456789012", "us-east-1"

JOBS = Table(
    "jobs",
    ("id", "part"),
    (
        Index("by_state", ("state_key", "state_at")),
        Index("by_tenant", ("tenant_key", "created_at")),
        Index("by_budget", ("budget_key", "state_at")),
    ),
)
CONTENT = Table("content", ("id", "part"))
KEYS = Table("keys", ("key_hash",), (Index("by_list", ("list", "created_at"), keys_only=False),))
CACHE = Table("cache", ("key",))
GUARDS = Table("guards", ("id",), (Index("by_list", ("list", "listed_at")),))
IDEMPOTENCY = Table("idempotency", ("id",))
CHATS = Table("chats", ("id", "part"))
WORKFLOWS = Table(
    "workflows",
    ("id", "part"),
    (Index("by_state", ("state_key", "state_at")), Index("by_tenant", ("tenant_key", "created_at"))),
)
ALERTS = Table(
    "alerts",
    ("id",),
    (
        Index("by_list", ("list", "listed_at"), keys_only=False),
        Index("by_duty", ("duty", "duty_at"), keys_only=False),
    ),
)
CONNECTIONS = Table("connections", ("id",), (Index("by_list", ("list", "opened_at"), keys_only=False),))
TABLES = {
    table.name: table
    for table in (JOBS, CONTENT, KEYS, CACHE, GUARDS, IDEMPOTENCY, CHATS, WORKFLOWS, ALERTS, CONNECTIONS)
}

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": _REGION,
    "AWS_LAMBDA_FUNCTION_NAME": f"backstay-{STAGE}-bench",
    "BACKSTAY_CONFIG": str(Path(__file__).with_name("backstay.toml")),
    "BACKSTAY_STAGE": STAGE,
    "BACKSTAY_JOBS_TABLE": JOBS.name,
    "BACKSTAY_CONTENT_TABLE": CONTENT.name,
    "BACKSTAY_KEYS_TABLE": KEYS.name,
    "BACKSTAY_CACHE_TABLE": CACHE.name,
    "BACKSTAY_GUARDS_TABLE": GUARDS.name,
    "BACKSTAY_IDEMPOTENCY_TABLE": IDEMPOTENCY.name,
    "BACKSTAY_CHATS_TABLE": CHATS.name,
    "BACKSTAY_WORKFLOWS_TABLE": WORKFLOWS.name,
    "BACKSTAY_ALERTS_TABLE": ALERTS.name,
    "BACKSTAY_CONNECTIONS_TABLE": CONNECTIONS.name,
    "BACKSTAY_PAYLOADS_BUCKET": "payloads",
    "BACKSTAY_QUEUE_URL_PREFIX": f"https://sqs.{_REGION}.amazonaws.com/{_ACCOUNT}/backstay-{STAGE}-",
    "BACKSTAY_QUEUE_ARN_PREFIX": f"arn:aws:sqs:{_REGION}:{_ACCOUNT}:backstay-{STAGE}-",
    "BACKSTAY_STATE_MACHINE_ARN_PREFIX": f"arn:aws:states:{_REGION}:{_ACCOUNT}:stateMachine:backstay-{STAGE}-",
    "BACKSTAY_SCHEDULE_GROUP": f"backstay-{STAGE}",
    "BACKSTAY_SCHEDULE_ROLE_ARN": f"arn:aws:iam::{_ACCOUNT}:role/schedules",
    "BACKSTAY_SECRET_PREFIX": f"backstay/{STAGE}/",
    "BACKSTAY_FUNCTION_PREFIX": f"backstay-{STAGE}-",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "Backstay",
}
"""What a function of this stage would see."""


class Context:
    """A Lambda's context with half a minute left."""

    function_name = f"backstay-{STAGE}-bench"
    aws_request_id = "bench"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds."""
        return 30_000


@contextmanager
def environment(**more: str) -> Iterator[Environment]:
    """The environment of a function, and none of the caller's credentials; clients are made anew in it."""
    foreign = [name for name in os.environ if name.startswith(("AWS_", "BACKSTAY_"))]
    with patch.dict(os.environ):
        for name in foreign:
            del os.environ[name]
        os.environ.update(ENVIRONMENT | more)
        aws.forget_clients()
        try:
            yield Environment.read()
        finally:
            aws.forget_clients()


@dataclass(frozen=True)
class Cloud:
    """A stack in moto."""

    env: Environment

    def receive(self, queue: str) -> list[dict[str, Any]]:
        """A batch of up to ten messages, as an SQS event lists them."""
        answer = aws.sqs().receive_message(
            QueueUrl=self.env.queue_url(queue), MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        return [event_record(self.env, queue, message) for message in answer.get("Messages", [])]

    def delete(self, queue: str, records: list[dict[str, Any]]) -> None:
        """Acknowledge a batch, as the event source does."""
        entries: list[Any] = [
            {"Id": str(number), "ReceiptHandle": record["receiptHandle"]} for number, record in enumerate(records)
        ]
        aws.sqs().delete_message_batch(QueueUrl=self.env.queue_url(queue), Entries=entries)


def event_record(env: Environment, queue: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """A received message in an SQS event's form."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": env.queue_arn(queue),
        "awsRegion": _REGION,
    }


@contextmanager
def cloud(catalog: Catalog) -> Iterator[Cloud]:
    """An empty stack for these tasks, with a secret for the provider that the first route names."""
    from moto import mock_aws

    with mock_aws(), environment() as env:
        for table in TABLES.values():
            make_table(table)
        for task in catalog:
            for queue in (*task.queue_names(), f"{task.name}-dead"):
                aws.sqs().create_queue(QueueName=f"backstay-{STAGE}-{queue}", Attributes={"VisibilityTimeout": "120"})
        aws.s3().create_bucket(Bucket=env.payloads_bucket)
        aws.secretsmanager().create_secret(Name=f"{env.secret_prefix}provider/anthropic", SecretString="bench")
        yield Cloud(env)


def look(table: str, key: Item) -> Item | None:
    """An item in moto's own memory, past every client and so past all metering."""
    from moto.dynamodb.models import dynamodb_backends

    found = dynamodb_backends[_ACCOUNT][_REGION].get_item(table, dict(key))
    return dict(found.to_json()["Attributes"]) if found else None


def make_table(table: Table) -> None:
    """Create a table in whichever cloud the environment names."""

    def schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
        return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]

    names = {*table.keys, *(key for index in table.indexes for key in index.keys)}
    request: dict[str, Any] = {
        "TableName": table.name,
        "KeySchema": schema(table.keys),
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in sorted(names)],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if table.indexes:
        request["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index.name,
                "KeySchema": schema(index.keys),
                "Projection": {"ProjectionType": "KEYS_ONLY" if index.keys_only else "ALL"},
            }
            for index in table.indexes
        ]
    if table.has_stream:
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    aws.dynamodb().create_table(**request)
