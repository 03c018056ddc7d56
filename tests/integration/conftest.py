"""The stack's tables, queues and bucket in moto, and a small machine that delivers messages to a worker."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from backstay import aws
from backstay.catalog import Catalog
from backstay.clock import utc_now
from backstay.jobs.endings import Retention
from backstay.jobs.record import JobRecord
from backstay.jobs.store import JobStore
from backstay.jobs.submit import Submission, Submitter
from backstay.jobs.worker import Worker
from backstay.settings import Environment
from backstay.workflows.step_inputs import StepInputsOfRuns
from tests.integration.step_functions import StepFunctions
from tests.moto_in_turn import in_turn

TASKS = Path(__file__).parent.parent / "tasks"
_ARN = "arn:aws:sqs:us-east-1:123456789012:backstay-test-"


class SettableClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """An empty stack of stage `test` in moto; answers the environment that its functions would see."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws(), in_turn():
        aws.forget_clients()
        env = Environment(
            stage="test",
            jobs_table="jobs",
            content_table="content",
            keys_table="keys",
            cache_table="cache",
            guards_table="guards",
            idempotency_table="idempotency",
            chats_table="chats",
            workflows_table="workflows",
            alerts_table="alerts",
            connections_table="connections",
            payloads_bucket="payloads",
            queue_url_prefix="https://sqs.us-east-1.amazonaws.com/123456789012/backstay-test-",
            queue_arn_prefix=_ARN,
            state_machine_arn_prefix="arn:aws:states:us-east-1:123456789012:stateMachine:backstay-test-",
            schedule_group="backstay-test",
            schedule_role_arn="arn:aws:iam::123456789012:role/schedules",
            secret_prefix="backstay/test/",
            function_prefix="backstay-test-",
        )
        make_tables()
        aws.s3().create_bucket(Bucket="payloads")
        aws.scheduler().create_schedule_group(Name="backstay-test")
        yield env
        aws.forget_clients()


def make_tables() -> None:
    """Make the tables that the stack would make."""

    def table(name: str, keys: list[str], indexes: dict[str, list[str]]) -> None:
        def schema(names: list[str]) -> list[dict[str, str]]:
            return [
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(names, ("HASH", "RANGE"), strict=False)
            ]

        names = {*keys, *(key for index in indexes.values() for key in index)}
        request: dict[str, Any] = {
            "TableName": name,
            "KeySchema": schema(keys),
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in sorted(names)],
            "BillingMode": "PAY_PER_REQUEST",
        }
        if indexes:
            request["GlobalSecondaryIndexes"] = [
                {"IndexName": index, "KeySchema": schema(index_keys), "Projection": {"ProjectionType": "ALL"}}
                for index, index_keys in indexes.items()
            ]
        aws.dynamodb().create_table(**request)

    by_state, by_tenant = ["state_key", "state_at"], ["tenant_key", "created_at"]
    by_budget = ["budget_key", "state_at"]
    table("jobs", ["id", "part"], {"by_state": by_state, "by_tenant": by_tenant, "by_budget": by_budget})
    table("content", ["id", "part"], {})
    table("keys", ["key_hash"], {"by_list": ["list", "created_at"]})
    table("cache", ["key"], {})
    table("guards", ["id"], {"by_list": ["list", "listed_at"]})
    table("idempotency", ["id"], {})
    table("chats", ["id", "part"], {})
    table("alerts", ["id"], {"by_list": ["list", "listed_at"], "by_duty": ["duty", "duty_at"]})
    table("connections", ["id"], {"by_list": ["list", "opened_at"]})
    table("workflows", ["id", "part"], {"by_state": by_state, "by_tenant": by_tenant})


@pytest.fixture
def clock() -> SettableClock:
    """The clock of everything that the test drives."""
    return SettableClock()


@pytest.fixture
def catalog(cloud: Environment) -> Catalog:
    """The tasks of tests/tasks, with their queues."""
    catalog = Catalog(TASKS)
    make_queues(catalog)
    return catalog


def make_queues(catalog: Catalog) -> None:
    """Make the queues that the stack would make for these tasks."""
    for task in catalog:
        for queue in (*task.queue_names(), f"{task.name}-dead"):
            aws.sqs().create_queue(QueueName=f"backstay-test-{queue}", Attributes={"VisibilityTimeout": "54"})


@dataclass
class Context:
    """A Lambda's context with so much time left."""

    remaining_ms: int = 23_000

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds."""
        return self.remaining_ms


@dataclass
class Machine:
    """Delivers messages to a task's worker as the event source would."""

    env: Environment
    catalog: Catalog
    clock: SettableClock
    submitter: Submitter = field(init=False)
    store: JobStore = field(init=False)

    def __post_init__(self) -> None:
        self.submitter = Submitter(self.env, self.catalog, self.clock)
        self.store = JobStore(self.env.jobs_table)

    def submit(self, task: str, work: dict[str, Any], **more: Any) -> JobRecord:
        """Submit a job; answers its record."""
        return self.submitter.submit(Submission(task=task, input=work, **more)).record

    def worker(self, task: str) -> Worker:
        """A fresh worker process of this task."""
        steps = StepInputsOfRuns(self.env)
        return Worker(self.env, self.catalog, self.catalog.get(task), Retention(), self.clock, steps)

    def receive(self, queue: str, most: int = 10) -> list[dict[str, Any]]:
        """Up to so many messages, as an SQS event lists them."""
        url = self.env.queue_url(queue)
        answer = aws.sqs().receive_message(
            QueueUrl=url, MaxNumberOfMessages=most, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
        )
        return [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {
                    name: {"stringValue": value.get("StringValue"), "dataType": value["DataType"]}
                    for name, value in message.get("MessageAttributes", {}).items()
                },
                "eventSource": "aws:sqs",
                "eventSourceARN": self.env.queue_arn(queue),
                "awsRegion": "us-east-1",
            }
            for message in answer.get("Messages", [])
        ]

    def deliver(self, task: str, *, queue: str | None = None, remaining_ms: int = 23_000, most: int = 10) -> list[str]:
        """Hand one batch to a worker and acknowledge what it doesn't keep; answers the ids of messages kept."""
        records = self.receive(queue or task, most)
        if not records:
            return []
        answer = self.worker(task).handle({"Records": records}, Context(remaining_ms))
        kept = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for record in records:
            if record["messageId"] not in kept:
                aws.sqs().delete_message(
                    QueueUrl=self.env.queue_url(queue or task), ReceiptHandle=record["receiptHandle"]
                )
        return sorted(kept)

    def send_raw(self, queue: str, body: object) -> None:
        """Send a plain message."""
        text = body if isinstance(body, str) else json.dumps(body)
        aws.sqs().send_message(QueueUrl=self.env.queue_url(queue), MessageBody=text)

    def make_visible(self, queue: str) -> None:
        """Let every hidden or delayed message come at once; moto keeps time by the wall clock."""
        from moto.sqs.models import sqs_backends

        found = sqs_backends["123456789012"]["us-east-1"].queues[f"backstay-test-{queue}"]
        for message in found._messages:
            message.visible_at = 0
            message.delayed_until = 0
        found.pending_messages.clear()
        found.pending_message_groups.clear()

    def record(self, job_id: str) -> JobRecord:
        """A job's record, which must be there."""
        record = self.store.get(job_id)
        assert record is not None
        return record


@pytest.fixture
def machine(cloud: Environment, catalog: Catalog, clock: SettableClock) -> Machine:
    """A machine for the tasks of tests/tasks."""
    return Machine(cloud, catalog, clock)


@pytest.fixture
def step_functions(monkeypatch: pytest.MonkeyPatch) -> StepFunctions:
    """A Step Functions that the code under test speaks to."""
    service = StepFunctions()
    monkeypatch.setattr(aws, "stepfunctions", lambda: service)
    return service
