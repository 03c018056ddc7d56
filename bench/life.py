"""A hundred jobs from submit to the counters, in moto, with everything that they write and read."""

import contextlib
import importlib
import io
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backstay import aws
from backstay.catalog import AnyTask, Catalog
from backstay.dynamodb import encode_item
from backstay.jobs.endings import Retention
from backstay.jobs.inputs import INPUT_PART
from backstay.jobs.items import STATE_PART
from backstay.jobs.record import State
from backstay.jobs.store import JobStore
from backstay.jobs.worker import Worker
from backstay.llm.process import forget_switchboard
from bench.caller import caller
from bench.capacity import Item
from bench.cloud import FUNCTIONS, JOBS, KEYS, TABLES, Cloud, Context, cloud, look
from bench.meter import Meter, Tally
from bench.model import instant_model
from bench.work import INPUTS

BATCH = 10
STREAM_BATCH = 200
"""Records that the stream's consumer takes at once; infra sets it."""


class UnfinishedError(Exception):
    """Jobs that should have completed did not, so that nothing about them can be measured."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a function wrote into its log."""

    text: str

    def metrics(self) -> Iterator[tuple[str, ...]]:
        """Names and dimensions of the metrics that its lines carry: each different one is billed."""
        for line in self.text.splitlines():
            entry = json.loads(line)
            for directive in entry.get("_aws", {}).get("CloudWatchMetrics", ()):
                for names, metric in itertools.product(directive["Dimensions"], directive["Metrics"]):
                    yield metric["Name"], *(f"{name}={entry[name]}" for name in names)


@dataclass(frozen=True, slots=True)
class Life:
    """What a number of jobs of one task wrote and read, by who did it."""

    task: str
    jobs: int
    submit: Tally
    work: Tally
    stream: Tally
    api_log: Log
    worker_log: Log
    stream_log: Log
    message_bytes: float
    """Of one job's message in its queue."""
    stored: tuple[Item, Item]
    """What one job leaves in the jobs table: its input and its record."""

    @property
    def everything(self) -> tuple[Tally, ...]:
        """All that was written and read."""
        return self.submit, self.work, self.stream


def live(catalog_root: Path, task_name: str, jobs: int, progress: Callable[[], None]) -> Life:
    """Submit, run and count so many jobs; `progress` is told of each batch.

    Raises:
        UnfinishedError: a job did not complete.
    """
    catalog = Catalog(catalog_root)
    with cloud(catalog) as stack, instant_model():
        forget_switchboard()
        meter = Meter(aws.dynamodb(), TABLES, look)
        task = catalog.get(task_name)
        with caller(stack.env, catalog_root) as client:
            aws.dynamodb().put_item(TableName=KEYS.name, Item=encode_item(client.key_item()))
            with meter.tally() as submit:
                ids = [client.send(client.event(task_name, INPUTS[task_name](n)))["id"] for n in range(jobs)]
        with meter.tally() as work:
            worker_log, message_bytes = _work(stack, catalog, task, progress)
        _check(stack, ids)
        with meter.tally() as stream:
            stream_log = _follow(submit, work)
        stored = _item(ids[0], INPUT_PART), _item(ids[0], STATE_PART)
        forget_switchboard()
    return Life(
        task=task_name, jobs=jobs, submit=submit, work=work, stream=stream,
        api_log=Log(client.log.getvalue()), worker_log=Log(worker_log), stream_log=Log(stream_log),
        message_bytes=message_bytes / jobs, stored=stored,
    )  # fmt: skip


def _item(job_id: str, part: str) -> Item:
    item = look(JOBS.name, {"id": {"S": job_id}, "part": {"S": part}})
    if item is None:
        raise UnfinishedError(f"job {job_id} has left no {part} in the table")
    return item


def _work(stack: Cloud, catalog: Catalog, task: AnyTask, progress: Callable[[], None]) -> tuple[str, int]:
    """Run all that waits; answers the worker's log, and the bytes of the messages."""
    worker = Worker(stack.env, catalog, task, Retention())
    queue = task.queue_name("normal")
    log, size = io.StringIO(), 0
    with contextlib.redirect_stdout(log):
        while records := stack.receive(queue):
            worker.handle({"Records": records}, Context())
            size += sum(len(record["body"].encode()) for record in records)
            stack.delete(queue, records)
            progress()
    return log.getvalue(), size


def _check(stack: Cloud, ids: list[str]) -> None:
    store = JobStore(stack.env.jobs_table)
    for job_id in ids:
        record = store.get(job_id)
        if record is None or record.state is not State.COMPLETED:
            raise UnfinishedError(f"job {job_id} should have completed, but stands as {record}")


def _follow(*tallies: Tally) -> str:
    """Hand the jobs' changes to the stream's consumer, as the stream would."""
    handle, records = follower(), stream_records(*tallies)
    log = io.StringIO()
    with contextlib.redirect_stdout(log):
        for start in range(0, len(records), STREAM_BATCH):
            handle({"Records": records[start : start + STREAM_BATCH], "shardId": "shardId-bench"}, Context())
    return log.getvalue()


def stream_records(*tallies: Tally) -> list[dict[str, Any]]:
    """What the jobs table's stream would carry of these writes past its filter."""
    changes = [write for tally in tallies for write in tally.writes if write.key.get("part") == {"S": STATE_PART}]
    return [_stream_record(number, write.before, write.after) for number, write in enumerate(changes)]


def follower() -> Callable[[dict[str, Any], Context], object]:
    """The handler that follows the stream."""
    if str(FUNCTIONS) not in sys.path:
        sys.path.insert(0, str(FUNCTIONS))
    handler: Callable[[dict[str, Any], Context], object] = importlib.import_module("follow_changes.handler").handler
    return handler


def _stream_record(number: int, before: Item | None, after: Item | None) -> dict[str, Any]:
    images = {"OldImage": before, "NewImage": after}
    return {
        "eventID": f"{number:032x}",
        "eventName": "INSERT" if before is None else "REMOVE" if after is None else "MODIFY",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": int(datetime.now(UTC).timestamp()),
            "Keys": {name: (after or before or {})[name] for name in JOBS.keys},
            "SequenceNumber": str(number),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **{name: image for name, image in images.items() if image is not None},
        },
    }
