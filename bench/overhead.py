"""What Backstay's own code costs a job in CPU: its worker against a bare one, with fakes at the transports of both."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median
from typing import Any, Protocol

from backstay import aws
from backstay.catalog import Catalog
from backstay.clock import utc_now
from backstay.dynamodb import encode_item
from backstay.jobs import keys, message
from backstay.jobs.endings import Retention
from backstay.jobs.items import to_item
from backstay.jobs.record import JobRecord, State
from backstay.jobs.worker import Worker
from backstay.llm.process import forget_switchboard
from backstay.settings import Environment
from bench.bare_worker import BareWorker
from bench.canned import Canned, answer_always, attributes
from bench.cloud import BENCH_TASKS, Context, environment, event_record
from bench.figures import Figure, Part
from bench.life import BATCH
from bench.model import instant_model
from bench.run import Run
from bench.work import question

NAMES = ("overhead_ratio_per_job", "overhead_ms_per_job")
TASK = "ask-model"


class Handles(Protocol):
    """A worker of either kind."""

    def handle(self, event: dict[str, Any], context: Any) -> Any:
        """Run an SQS event's messages."""


@dataclass(frozen=True, slots=True)
class Batches:
    """Full batches of messages whose jobs wait, and what their claims answer."""

    events: list[dict[str, Any]]
    claimed: dict[bytes, bytes]


def measure(run: Run) -> list[Figure]:
    """Alternate rounds of both workers on the same messages."""
    rounds, batches = (5, 5) if run.quick else (15, 10)
    ours, bare = [], []
    with run.progress("overhead", 2 * rounds) as step, both(batches) as (backstay, plain, work):
        for _ in range(rounds):
            ours.append(cpu_ms_per_job(backstay, work))
            step()
            bare.append(cpu_ms_per_job(plain, work))
            step()
    return figures(ours, bare)


def figures(ours: list[float], bare: list[float]) -> list[Figure]:
    """The figures of both workers' rounds, in milliseconds of CPU a job."""
    ratio = median(mine / theirs for mine, theirs in zip(ours, bare, strict=True))
    parts = (Part("Backstay's worker, ms", median(ours)), Part("bare worker, ms", median(bare)))
    return [
        Figure(
            "overhead_ratio_per_job", ratio, "times",
            "CPU of one job in Backstay's worker, against a bare Powertools handler with the same updates and call.",
            at_most=3.0, parts=parts,
            note="Both contain botocore's and the SDK's own work, which is most of it.",
        ),
        Figure(
            "overhead_ms_per_job", median(ours) - median(bare), "ms",
            "CPU of one job beyond the bare handler's.", parts=parts,
        ),
    ]  # fmt: skip


@contextlib.contextmanager
def both(batches: int) -> Iterator[tuple[Handles, Handles, Batches]]:
    """Both workers, warm, and messages for them."""
    with environment() as env, instant_model(), quiet():
        forget_switchboard()
        work = make_batches(env, batches)
        catalog = Catalog(BENCH_TASKS)
        backstay = Worker(env, catalog, catalog.get(TASK), Retention())
        bare = BareWorker(env.jobs_table)
        transport = Canned(work.claimed)
        transport.attach(aws.dynamodb())
        transport.attach(aws.dynamodb_for_guards())
        transport.attach(bare.dynamodb)
        answer_always(aws.secretsmanager(), b'{"SecretString": "bench"}')
        for worker in (backstay, bare):
            cpu_ms_per_job(worker, work)
        yield backstay, bare, work
        forget_switchboard()


def cpu_ms_per_job(worker: Handles, work: Batches) -> float:
    """CPU milliseconds of all of the process's threads, divided by jobs.

    Raises:
        RuntimeError: a job did not complete, so that something else was measured.
    """
    began = time.process_time()
    answers = [worker.handle(event, Context()) for event in work.events]
    spent = time.process_time() - began
    if kept := [answer for answer in answers if answer["batchItemFailures"]]:
        raise RuntimeError(f"jobs failed: {kept[0]}")
    return 1000 * spent / (BATCH * len(work.events))


def make_batches(env: Environment, count: int) -> Batches:
    """So many full batches of jobs that wait."""
    events, claimed = [], {}
    for batch in range(count):
        records = []
        for number in range(BATCH * batch, BATCH * (batch + 1)):
            record, work = _waiting(number), question(number)
            active = replace(record, state=State.ACTIVE, fence=1, attempts=1, company=BATCH, **_times())
            claimed[record.id.encode()] = attributes(encode_item(to_item(active)))
            sent = {"MessageId": f"m{number}", "ReceiptHandle": "r", "Body": message.write(record, work)}
            records.append(event_record(env, TASK, sent))
        events.append({"Records": records})
    return Batches(events, claimed)


def _waiting(number: int) -> JobRecord:
    now, key = utc_now(), f"bench-{number}"
    return JobRecord(
        id=keys.job_id("default", TASK, key), task=TASK, state=State.WAITING, key=key,
        input_digest=keys.digest_of(question(number)), created_at=now, changed_at=now,
    )  # fmt: skip


def _times() -> dict[str, Any]:
    now = utc_now()
    return {"lease_until": now + timedelta(seconds=106), "claimed_at": now, "started_at": now, "changed_at": now}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Metrics go where CloudWatch would take them from; nobody reads them here."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        yield
