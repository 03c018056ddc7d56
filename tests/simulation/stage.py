"""A stage of Backstay in memory: its tables, queues and providers, and what each of its processes keeps for itself."""

import functools
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from tests.simulation.clockwork import Datetime, Process, current_process

CONFIG = """
[routes]
default = ["north/small", "south/small"]
[budgets.total]
daily = {total}
[budgets.providers.north]
daily = {provider}
[budgets.providers.south]
daily = {provider}
[budgets.tenants."*"]
daily = {tenant}
[providers.north]
kind = "compatible"
base_url = "http://north.test/v1"
timeout_s = 10
[providers.north.limits]
requests_per_minute = {rate}
[providers.south]
kind = "compatible"
base_url = "http://south.test/v1"
timeout_s = 10
[prices."north/small"]
input = 10
output = 180
[prices."south/small"]
input = 8
output = 220
"""
T = TypeVar("T")
TASKS = Path(__file__).parent / "tasks"
_WORLD = Process("world")


def memory_of_process(key: object, make: Callable[[], T]) -> T:
    """What a process keeps under a key, made on first use."""
    memory = (current_process() or _WORLD).memory
    if key not in memory:
        memory[key] = make()
    found: T = memory[key]
    return found


class OfProcess:
    """An object that each process has for itself, where a module has one for all of a process."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.__dict__["_make"] = make

    def __getattr__(self, name: str) -> Any:
        return getattr(memory_of_process(self, self._make), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(memory_of_process(self, self._make), name, value)


def _kept_by_process(function: Callable[..., T]) -> Callable[[], T]:
    """In the place of `functools.cache`."""
    made = functools.partial(function.__wrapped__)  # type: ignore[attr-defined]
    return lambda: memory_of_process(function, made)


def _apart() -> None:
    """Give each simulated process its own of whatever a module keeps for its process. Before anything else of ours is
    imported, since names are bound then.
    """
    import backstay.clock
    from backstay.budgets import batch

    backstay.clock.datetime = Datetime
    batch.batch = OfProcess(batch.Batch)  # type: ignore[assignment]
    from backstay.llm import activity, call_metrics, process

    activity.activity = OfProcess(activity.Activity)  # type: ignore[assignment]
    call_metrics.call_metrics = OfProcess(type(call_metrics.call_metrics))  # type: ignore[assignment]
    for name in ("_switchboard", "_answer_cache", "_guards"):
        setattr(process, name, _kept_by_process(getattr(process, name)))


os.environ.update(
    {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "POWERTOOLS_METRICS_DISABLED": "true",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        "POWERTOOLS_SERVICE_NAME": "simulation",
        "BACKSTAY_STAGE": "test",
    }
)
sys.path.insert(0, str(TASKS))
_apart()

import random  # noqa: E402

from backstay import aws, config  # noqa: E402
from backstay.budgets.entry import Ask  # noqa: E402
from backstay.budgets.ledger import Ledger, Reservation  # noqa: E402
from backstay.catalog import Catalog  # noqa: E402
from backstay.config import parse  # noqa: E402
from backstay.jobs import worker as workers  # noqa: E402
from backstay.llm import guards as guard_module  # noqa: E402
from backstay.llm import routes  # noqa: E402
from backstay.running import current_job  # noqa: E402
from backstay.settings import Environment  # noqa: E402
from tests.memory import sqs as sqs_module  # noqa: E402
from tests.memory.dynamodb import DynamoDB, Item  # noqa: E402
from tests.memory.s3 import S3  # noqa: E402
from tests.memory.scheduler import Scheduler  # noqa: E402
from tests.memory.sqs import SQS  # noqa: E402
from tests.simulation.clockwork import Crowd, later  # noqa: E402
from tests.simulation.faults import Client, Line  # noqa: E402
from tests.simulation.provider import Provider, Providers  # noqa: E402

logging.disable(logging.CRITICAL)
workers.emit = lambda *_, **__: None  # type: ignore[assignment]

_VALUES = {
    "stage": "test",
    "queue_url_prefix": sqs_module.URL,
    "queue_arn_prefix": sqs_module.ARN,
    "schedule_group": "default",
}
ENV = Environment(**{one.name: _VALUES.get(one.name, one.name.removesuffix("_table")) for one in fields(Environment)})
os.environ |= {f"BACKSTAY_{name.upper()}": value for name, value in asdict(ENV).items()}
CATALOG = Catalog(TASKS)
MOST_RECEIVES = 100


class NotedLedger(Ledger):
    """Notes which reservation a job's next call goes on."""

    providers: Providers

    def reserve(self, ask: Ask) -> Reservation:
        reservation = super().reserve(ask)
        if (job := current_job.get()) is not None:
            self.providers.reserved[id(job)] = reservation.id
        return reservation


guard_module.Ledger = NotedLedger  # type: ignore[misc]


class Stage:
    """One, empty.

    Args:
        line: what calls go through.
        luck: of what the services leave to chance.
        settings: of backstay.toml, by the names in `CONFIG`.
        watch: told of every change of a table.
        repeats: whether a message is delivered and stays visible.
    """

    def __init__(
        self,
        line: Line,
        luck: random.Random,
        settings: dict[str, object],
        watch: Callable[[str, Item | None, Item | None], None],
        repeats: Callable[[], bool],
    ) -> None:
        _WORLD.memory.clear()
        self.line, self.arrivals = line, Crowd()
        self.dynamodb, self.s3 = DynamoDB(watch), S3()
        self.sqs = SQS(luck, repeats)
        self.scheduler = Scheduler(lambda in_s: later(in_s, self._send_due))
        _make_tables(self.dynamodb)
        self._make_queues()
        clients = {
            "dynamodb": Client("dynamodb", self.dynamodb, line),
            "dynamodb_for_guards": Client("guards", self.dynamodb, line),
            "sqs": Client("sqs", self.sqs, line),
            "s3": Client("s3", self.s3, line),
            "scheduler": Client("scheduler", self.scheduler, line),
        }
        for name, client in clients.items():
            setattr(aws, name, lambda client=client: client)
        parsed = parse(CONFIG.format(**settings))
        config.load = lambda: parsed  # type: ignore[assignment]

    def answered_by(self, providers: Providers) -> None:
        """Whom models are asked of."""
        NotedLedger.providers = providers
        routes.open_provider = lambda name, *_: Provider(name, providers)  # type: ignore[assignment]

    def _send_due(self) -> None:
        def send(queue_arn: str, body: str) -> None:
            self.sqs.send_message(QueueUrl=sqs_module.URL + queue_arn.removeprefix(sqs_module.ARN), MessageBody=body)

        self.scheduler.send_due(send)
        self.arrivals.wake()

    def _make_queues(self) -> None:
        for task in CATALOG:
            for queue in task.queue_names():
                dead = self.sqs.create_queue(QueueName=f"{task.name}-dead")["QueueUrl"].rsplit("/", 1)[-1]
                made = self.sqs.queues
                self.sqs.create_queue(QueueName=queue, Attributes={"VisibilityTimeout": str(task.limits.lease_s)})
                made[queue].dead_arn, made[queue].most_receives = sqs_module.ARN + dead, MOST_RECEIVES


def _make_tables(dynamodb: DynamoDB) -> None:
    by_state, by_tenant = ("state_key", "state_at"), ("tenant_key", "created_at")
    tables: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, str]]]] = {
        "jobs": (
            ("id", "part"),
            {"by_state": by_state, "by_tenant": by_tenant, "by_budget": ("budget_key", "state_at")},
        ),
        "cache": (("key",), {}),
        "guards": (("id",), {"by_list": ("list", "listed_at")}),
    }
    for name, (keys, indexes) in tables.items():
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key} for key in keys],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": index,
                    "KeySchema": [{"AttributeName": key} for key in pair],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
                for index, pair in indexes.items()
            ],
        )
