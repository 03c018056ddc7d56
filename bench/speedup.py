"""Ten jobs of one batch wait for the model together: against the same ten in turn."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from backstay import aws
from backstay.catalog import Catalog
from backstay.jobs.endings import Retention
from backstay.jobs.worker import Worker
from backstay.llm.process import forget_switchboard
from bench.canned import Canned, answer_always
from bench.cloud import BENCH_TASKS, Context, environment
from bench.figures import Figure, Part
from bench.model import instant_model
from bench.overhead import TASK, make_batches, quiet
from bench.run import Run

NAMES = ("batch_speedup",)
MODEL_S = 1.0
TABLE_S = 0.005
"""A write inside one region, as DynamoDB's own metrics usually show it."""

Events = list[dict[str, Any]]


def measure(run: Run) -> list[Figure]:
    """The real worker, with a model that takes a second and a table that takes a few milliseconds."""
    rounds = 1 if run.quick else 3
    together, in_turn = [], []
    with run.progress("batch of ten", 2 * rounds) as step, _worker() as (worker, batch):
        singles = [{"Records": [record]} for record in batch["Records"]]
        for _ in range(rounds):
            together.append(_seconds(worker, [batch]))
            step()
            in_turn.append(_seconds(worker, singles))
            step()
    return [figure(median(together), median(in_turn))]


def figure(together_s: float, in_turn_s: float) -> Figure:
    """The figure of two times for the same ten jobs."""
    return Figure(
        "batch_speedup", in_turn_s / together_s, "times",
        f"How much sooner ten jobs are done in one batch than in turn, each with {MODEL_S:g} s of model latency.",
        at_least=8,
        parts=(
            Part("one batch of ten, s", together_s),
            Part("ten batches of one, s", in_turn_s),
        ),
        note=f"Each write to the table takes {1000 * TABLE_S:g} ms. Wall time, so that a busy machine shows.",
    )  # fmt: skip


@contextmanager
def _worker() -> Iterator[tuple[Worker, dict[str, Any]]]:
    """A worker that has loaded the SDK, and a full batch for it."""
    catalog = Catalog(BENCH_TASKS)
    with environment() as env, quiet(), instant_model(MODEL_S):
        forget_switchboard()
        work = make_batches(env, 1)
        tables = Canned(work.claimed, latency_s=TABLE_S)
        tables.attach(aws.dynamodb())
        tables.attach(aws.dynamodb_for_guards())
        answer_always(aws.secretsmanager(), b'{"SecretString": "bench"}')
        worker, (batch,) = Worker(env, catalog, catalog.get(TASK), Retention()), work.events
        _seconds(worker, [{"Records": batch["Records"][:1]}])
        yield worker, batch
        forget_switchboard()


def _seconds(worker: Worker, events: Events) -> float:
    """Wall time of running them.

    Raises:
        RuntimeError: a job did not complete, so that something else was measured.
    """
    began = time.perf_counter()
    answers = [worker.handle(event, Context()) for event in events]
    took = time.perf_counter() - began
    if kept := [answer for answer in answers if answer["batchItemFailures"]]:
        raise RuntimeError(f"jobs failed: {kept[0]}")
    return took
