"""What AWS does with queues and functions: event sources, workers that stay warm, the sweep."""

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from backstay.budgets.lapsed import LapsedLeases
from backstay.catalog import AnyTask
from backstay.jobs.endings import Retention
from backstay.jobs.store import JobStore
from backstay.jobs.sweep import Sweeper
from backstay.jobs.worker import Worker
from backstay.receipt import Receipt
from backstay.workflows.step_inputs import StepInputsOfRuns
from tests.memory import sqs as addresses
from tests.simulation.apart import memory_of_process
from tests.simulation.clockwork import Crowd, Process, begin, now, sleep
from tests.simulation.stage import CATALOG, ENV, Stage, Tasks

SWEPT_EVERY_S = 300
_SWEEP_S = 240


@dataclass
class Context:
    """A Lambda's."""

    ends_at: float

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self.ends_at - now()) * 1000))


@dataclass
class Fleet:
    """All functions of a stage.

    Args:
        warm: the part of invocations that goes to a process which is there already.
        outlives_s: for how long after its time a function goes on at most, though it should be killed.
        tasks: those that have jobs.
        forgets: the part of acknowledgements that never arrives.
    """

    stage: Stage
    luck: random.Random
    warm: float = 0.7
    outlives_s: float = 0
    tasks: Iterable[str] = CATALOG.names
    forgets: Callable[[], bool] = lambda: False
    processes: int = 0
    invocations: int = 0
    is_over: bool = False
    _idle: dict[str, list[Process]] = field(default_factory=dict)

    def process(self, name: str) -> Process:
        """A new one."""
        self.processes += 1
        return Process(f"{name}-{self.processes}")

    def begin(self) -> None:
        """Poll every queue, as many at once as the task's concurrency has workers, and sweep every five minutes."""
        for task in CATALOG:
            for queue in task.queue_names():
                for _ in range(task.limits.max_workers):
                    begin(partial(self._poll, task, queue))
        begin(self._sweep)

    def within(self, name: str, function: Callable[[], Any], seconds: float) -> tuple[bool, Any]:
        """Run something in a new process; answers whether it came to its end in that time, and with what."""
        return self._run(self.process(name), function, seconds)

    def _run(self, process: Process, function: Callable[[], Any], seconds: float) -> tuple[bool, Any]:
        crowd, told = Crowd(), []

        def done(answer: Any) -> None:
            told.append(answer)
            crowd.wake()

        process.at_death = crowd.wake
        process.run(function, done)
        crowd.wait(seconds)
        if not told:
            process.is_dead = True
            return False, None
        return True, told[0]

    def _poll(self, task: AnyTask, queue: str) -> None:
        while not self.is_over:
            messages = self.stage.sqs.receive_message(
                QueueUrl=ENV.queue_url(queue), MaxNumberOfMessages=task.limits.batch_size
            )["Messages"]
            if messages:
                self._invoke(task, queue, messages)
            else:
                due = [one.visible_at for one in self.stage.sqs.queues[queue].messages]
                self.stage.arrivals.wait(max(0.01, min(due) - time.time()) if due else None)

    def _invoke(self, task: AnyTask, queue: str, messages: list[dict[str, Any]]) -> None:
        self.invocations += 1
        idle = self._idle.setdefault(task.name, [])
        process = idle.pop() if idle and self.luck.random() < self.warm else self.process(task.name)
        process.thaw()
        event = {"Records": [_record(message, queue) for message in messages]}
        seconds = float(task.limits.function_timeout_s)

        def handle() -> Any:
            try:
                made = memory_of_process("worker", lambda: _worker(task))
                return made.handle(event, Context(now() + seconds))
            except Exception as error:  # noqa: BLE001 - to the event source it is one like any other
                return error

        ended, answer = self._run(process, handle, seconds + self.luck.uniform(0, self.outlives_s))
        self.stage.line.note(f"{process.name} {'answers' if ended else 'is gone'}")
        if not ended:
            return
        process.freeze()
        idle.append(process)
        if isinstance(answer, Exception):
            raise answer
        kept = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in kept and not self.forgets():
                self.stage.sqs.delete_message(QueueUrl=ENV.queue_url(queue), ReceiptHandle=message["ReceiptHandle"])

    def _sweep(self) -> None:
        while not self.is_over:
            sleep(SWEPT_EVERY_S)
            self.within("sweep", partial(_sweep_once, self.tasks), _SWEEP_S)
            self.stage.arrivals.wake()


def _worker(task: AnyTask) -> Worker:
    return Worker(ENV, CATALOG, task, Retention(), step_inputs=StepInputsOfRuns(ENV))


def _sweep_once(tasks: Iterable[str]) -> None:
    """As functions/sweep does it, without telling anybody."""
    jobs = JobStore(ENV.jobs_table)

    def receipt_of(job_id: str) -> Receipt | None:
        record = jobs.get(job_id)
        return record.receipt if record else None

    from botocore.exceptions import BotoCoreError, ClientError

    try:
        LapsedLeases(ENV.guards_table, receipt_of).settle(lambda: False)
        Sweeper(ENV, Tasks(tasks), Retention()).sweep(lambda: False)
    except (BotoCoreError, ClientError):
        return  # the next sweep tries again


def _record(message: dict[str, Any], queue: str) -> dict[str, Any]:
    """A message as an event of SQS lists it."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {"stringValue": value.get("StringValue"), "dataType": value["DataType"]}
            for name, value in message["MessageAttributes"].items()
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": addresses.ARN + queue,
        "awsRegion": "us-east-1",
    }
