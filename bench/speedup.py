"""Ten jobs of one batch wait for the model together: against the same ten in turn."""

import contextlib
import io
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from backstay.catalog import Catalog
from backstay.jobs.endings import Retention
from backstay.jobs.submit import Submission, Submitter
from backstay.jobs.worker import Worker
from backstay.llm.process import forget_switchboard
from bench.cloud import BENCH_TASKS, Cloud, Context, cloud
from bench.figures import Figure, Part
from bench.life import BATCH
from bench.model import instant_model
from bench.run import Run
from bench.work import question

NAMES = ("batch_speedup",)
TASK = "ask-model"
LATENCY_S = 1.0


def measure(run: Run) -> list[Figure]:
    """The real worker on moto, with a model that takes a second."""
    rounds = 1 if run.quick else 3
    together, in_turn = [], []
    with run.progress("batch of ten", 2 * rounds) as step, _worker() as (stack, submitter, worker):
        for number in range(rounds):
            together.append(_seconds(worker, [_batch(stack, submitter, 100 * number, BATCH)]))
            step()
            singles = [_batch(stack, submitter, 50 + 100 * number + one, 1) for one in range(BATCH)]
            in_turn.append(_seconds(worker, singles))
            step()
    return [figure(median(together), median(in_turn))]


def figure(together_s: float, in_turn_s: float) -> Figure:
    """The figure of two times for the same ten jobs."""
    return Figure(
        "batch_speedup", in_turn_s / together_s, "times",
        f"How much sooner ten jobs are done in one batch than in turn, each with {LATENCY_S:g} s of model latency.",
        at_least=8,
        parts=(
            Part("one batch of ten, s", together_s),
            Part("ten batches of one, s", in_turn_s),
        ),
        note="moto, in the same process, takes a few milliseconds of both for each call.",
    )  # fmt: skip


@contextlib.contextmanager
def _worker() -> Iterator[tuple[Cloud, Submitter, Worker]]:
    catalog = Catalog(BENCH_TASKS)
    with cloud(catalog) as stack, instant_model(LATENCY_S):
        forget_switchboard()
        submitter, worker = Submitter(stack.env, catalog), Worker(stack.env, catalog, catalog.get(TASK), Retention())
        _seconds(worker, [_batch(stack, submitter, 999_999, 1)])  # loads the SDK
        yield stack, submitter, worker
        forget_switchboard()


def _batch(stack: Cloud, submitter: Submitter, first: int, size: int) -> list[dict[str, Any]]:
    for number in range(first * BATCH, first * BATCH + size):
        submitter.submit(Submission(TASK, question(number)))
    records = stack.receive(TASK)
    if len(records) != size:
        raise RuntimeError(f"{size} messages were sent, {len(records)} came")
    return records


def _seconds(worker: Worker, batches: list[list[dict[str, Any]]]) -> float:
    with contextlib.redirect_stdout(io.StringIO()):
        began = time.perf_counter()
        for records in batches:
            worker.handle({"Records": records}, Context())
        return time.perf_counter() - began
