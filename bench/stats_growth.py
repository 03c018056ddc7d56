"""How long the API takes to tell how everything stands: with few jobs, and with a thousand times as many."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from backstay import aws
from backstay.access.key import Scope
from backstay.catalog import Catalog
from backstay.clock import utc_now
from backstay.dynamodb import encode_item
from backstay.jobs import keys
from backstay.jobs.counter_store import CounterStore, task_counters_id
from backstay.jobs.items import to_item
from backstay.jobs.queues import DEAD_SUFFIX
from backstay.jobs.record import JobRecord, State
from backstay.settings import Environment
from bench.caller import Caller, caller
from bench.cloud import ALERTS, BENCH_TASKS, JOBS, KEYS, WORKFLOWS, make_table
from bench.figures import Figure, Part
from bench.loopback import loopback
from bench.run import Run

NAMES = ("stats_growth_ratio",)
PATHS = ("/api/stats", "/api/overview")
FEW, MANY, MANY_QUICKLY = 100, 100_000, 5_000
_WAITING = 20
"""Jobs that wait, in both tables: the emulator sorts all of an index partition that a query names, and AWS doesn't."""
_A_WRITE, _WRITERS = 25, 4
_PREFIX = "growth-"


@dataclass(frozen=True, slots=True)
class Times:
    """What answers took, in seconds, by path."""

    few: Mapping[str, list[float]]
    many: Mapping[str, list[float]]

    def ratio(self, path: str) -> float:
        """Of the medians."""
        return statistics.median(self.many[path]) / statistics.median(self.few[path])


def measure(run: Run) -> list[Figure]:
    """Fill two tables, and ask in turn."""
    many, rounds = (MANY_QUICKLY, 10) if run.quick else (MANY, 60)
    with run.progress("numbers of many jobs", many // _A_WRITE + rounds) as step, _tables(many, step) as (few, lots):
        times = _asked(few, lots, rounds, step)
    return [figure(times, many)]


def figure(times: Times, many: int) -> Figure:
    """The worse of the two routes."""
    shown = [
        Part(f"{path} with {count:,} jobs (ms)", 1000 * statistics.median(taken[path]), "median")
        for path in PATHS
        for count, taken in ((FEW, times.few), (many, times.many))
    ]
    return Figure(
        "stats_growth_ratio",
        max(times.ratio(path) for path in PATHS),
        "",
        f"Time to answer {' and '.join(PATHS)} with {many:,} jobs in the table against {FEW}: the larger ratio.",
        at_most=1.3,
        parts=(*shown, *(Part(f"{path}, ratio", times.ratio(path)) for path in PATHS)),
        note="Both tables lie in one emulator, and are asked in turn.",
    )


def _asked(few: Caller, many: Caller, rounds: int, step: Callable[[], None]) -> Times:
    times = Times({path: [] for path in PATHS}, {path: [] for path in PATHS})
    for number in range(rounds):
        for path in PATHS:
            for caller_, taken in ((few, times.few), (many, times.many)):
                began = time.perf_counter()
                caller_.read(path)
                if number:  # the first round makes what there is to make
                    taken[path].append(time.perf_counter() - began)
        step()
    return times


@contextmanager
def _tables(many: int, step: Callable[[], None]) -> Iterator[tuple[Caller, Caller]]:
    """A caller of an API over few jobs, and one of an API over many."""
    with loopback():
        env = Environment.read()
        for table in (KEYS, WORKFLOWS, ALERTS):
            make_table(table)
        env = replace(env, queue_url_prefix=_make_queues())
        places = {count: replace(env, jobs_table=f"jobs-{count}") for count in (FEW, many)}
        for count, place in places.items():
            make_table(replace(JOBS, name=place.jobs_table))
            _fill(place.jobs_table, count, step if count == many else _nothing)
        with caller(places[FEW], BENCH_TASKS) as few, caller(places[many], BENCH_TASKS) as lots:
            for one in (few, lots):
                item = one.key_item("*", frozenset({Scope.READ}))
                aws.dynamodb().put_item(TableName=KEYS.name, Item=encode_item(item))
            yield few, lots


def _fill(table: str, count: int, step: Callable[[], None]) -> None:
    """So many jobs, nearly all of them over, and what the stream would have counted of them."""
    (task, *_) = Catalog(BENCH_TASKS).names

    def write(start: int) -> None:
        puts = [{"PutRequest": {"Item": _item(task, n)}} for n in range(start, min(count, start + _A_WRITE))]
        aws.dynamodb().batch_write_item(RequestItems={table: puts})  # type: ignore[dict-item]
        step()

    with ThreadPoolExecutor(_WRITERS) as threads:
        list(threads.map(write, range(0, count, _A_WRITE)))
    CounterStore(table).add_to(task_counters_id(task), {"completed": count - _WAITING, "waiting": _WAITING})


def _item(task: str, number: int) -> dict[str, Any]:
    at = utc_now() - timedelta(seconds=number)
    state = State.WAITING if number < _WAITING else State.COMPLETED
    job_id = keys.job_id(f"tenant-{number % 50}", task, str(number))
    record = JobRecord(job_id, task, state, str(number), keys.digest_of({"number": number}), at, at)
    return dict(encode_item(to_item(record)))


def _make_queues() -> str:
    """The dead letter queues, which are asked too; answers what their URLs begin with."""
    for task in Catalog(BENCH_TASKS).names:
        url = aws.sqs().create_queue(QueueName=f"{_PREFIX}{task}{DEAD_SUFFIX}")["QueueUrl"]
    return url.removesuffix(f"{task}{DEAD_SUFFIX}")


def _nothing() -> None:
    """Nobody waits for the small table."""
