"""What operating Backstay needs beside jobs: a sweeper, and queues that lose messages."""

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from backstay import aws
from backstay.catalog import Catalog
from backstay.jobs.endings import Retention
from backstay.jobs.sweep import Sweeper, Swept

TASKS = Path(__file__).parents[2] / "tasks"
FUNCTIONS = Path(__file__).parents[3] / "functions"
OPERATORS_TASKS = ("redrive_dead_letters", "delete_tenant_data", "wake_parked_jobs")


class Sweep:
    """Sweeps with a fresh process each time."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine

    def __call__(self, *, seconds_left: float = 60) -> Swept:
        machine = self._machine
        return Sweeper(machine.env, machine.catalog, Retention(), machine.clock).sweep(lambda: seconds_left < 5)


@pytest.fixture
def sweep(machine: Any) -> Sweep:
    """Sweep once; answers what was done."""
    return Sweep(machine)


class Broker:
    """What SQS does to messages that nobody expects, and a look into queues."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine

    def lose(self, queue: str) -> None:
        """Lose every message of a queue."""
        aws.sqs().purge_queue(QueueUrl=self._machine.env.queue_url(queue))

    def move_to_dead(self, queue: str, dead: str) -> int:
        """Move every message to a dead letter queue as SQS does: body and attributes as they are."""
        moved = 0
        for message in self._machine.receive(queue):
            attributes = {
                name: {"DataType": value["dataType"], "StringValue": value["stringValue"]}
                for name, value in message["messageAttributes"].items()
            }
            url = self._machine.env.queue_url(dead)
            aws.sqs().send_message(QueueUrl=url, MessageBody=message["body"], MessageAttributes=attributes)
            aws.sqs().delete_message(
                QueueUrl=self._machine.env.queue_url(queue), ReceiptHandle=message["receiptHandle"]
            )
            moved += 1
        return moved

    def letters(self, queue: str) -> list[dict[str, Any]]:
        """What lies in a queue, visible or not, without receiving it."""
        from moto.sqs.models import sqs_backends

        found = sqs_backends["123456789012"]["us-east-1"].queues[f"backstay-test-{queue}"]
        return [
            {
                "body": message.body,
                "visible": message.visible,
                **{name: value.get("StringValue") for name, value in message.message_attributes.items()},
            }
            for message in found._messages
        ]

    def reasons(self, queue: str) -> Counter[str]:
        """How many letters of each reason."""
        return Counter(letter.get("reason") or "none" for letter in self.letters(queue))


@pytest.fixture
def broker(machine: Any) -> Broker:
    """The queues, from behind."""
    return Broker(machine)


@pytest.fixture
def operations(machine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine that has the operators' own tasks beside those of tests/tasks, and functions' environment variables."""
    for folder in (TASKS, FUNCTIONS):
        for task in folder.glob("*/task.py"):
            if folder is TASKS or task.parent.name in OPERATORS_TASKS:
                (tmp_path / task.parent.name).symlink_to(task.parent)
    for field in fields(machine.env):
        monkeypatch.setenv(f"BACKSTAY_{field.name.upper()}", getattr(machine.env, field.name))
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    catalog = Catalog(tmp_path)
    for name in catalog.names:
        if name not in machine.catalog.names:
            for queue in (name, f"{name}-dead"):
                aws.sqs().create_queue(QueueName=f"backstay-test-{queue}")
    return type(machine)(machine.env, catalog, machine.clock)
