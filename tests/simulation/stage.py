"""A stage of Backstay in memory: its tables, queues and providers."""

import os
import random
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields

from backstay import aws, config
from backstay.budgets.entry import Ask
from backstay.budgets.ledger import Ledger, Reservation
from backstay.catalog import Catalog
from backstay.config import parse
from backstay.jobs import worker as workers
from backstay.llm import calling, routes
from backstay.llm import guards as guard_module
from backstay.running import current_job
from backstay.settings import Environment
from settle_step.task import task as settle_step
from tests.memory import sqs as sqs_module
from tests.memory.dynamodb import DynamoDB, Item
from tests.memory.s3 import S3
from tests.memory.scheduler import Scheduler
from tests.memory.sqs import SQS
from tests.simulation.apart import TASKS, WORLD, OfProcess
from tests.simulation.clockwork import Crowd, later
from tests.simulation.faults import Client, Line
from tests.simulation.provider import Provider, Providers
from tests.simulation.tokens import Tokens

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
if not all(isinstance(one, OfProcess) for one in (workers.running, workers.activity, calling.activity)):
    raise ImportError("tests.simulation.apart must be imported before anything of Backstay's")
workers.emit = lambda *_, **__: None  # type: ignore[assignment]

_VALUES = {
    "stage": "test",
    "queue_url_prefix": sqs_module.URL,
    "queue_arn_prefix": sqs_module.ARN,
    "schedule_group": "default",
}
ENV = Environment(**{one.name: _VALUES.get(one.name, one.name.removesuffix("_table")) for one in fields(Environment)})
os.environ |= {f"BACKSTAY_{name.upper()}": value for name, value in asdict(ENV).items()}
os.environ["LAMBDA_TASK_ROOT"] = str(TASKS)


class Tasks(Catalog):
    """Those of the simulation, and Backstay's own that sagas send to; or some of them."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        super().__init__(TASKS)
        self._tasks[settle_step.name] = settle_step  # type: ignore[assignment]
        self.names = tuple(sorted(names)) or (*self.names, settle_step.name)


CATALOG = Tasks()
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
        WORLD.memory.clear()
        self.line, self.arrivals = line, Crowd()
        self.dynamodb, self.s3 = DynamoDB(watch), S3()
        self.sqs = SQS(luck, repeats)
        self.scheduler = Scheduler(lambda in_s: later(in_s, self._send_due))
        _make_tables(self.dynamodb)
        self._make_queues()
        self.tokens = Tokens()
        clients = {
            "stepfunctions": Client("states", self.tokens, line),
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
