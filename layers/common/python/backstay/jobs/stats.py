"""Statistics: how every task is doing, at the same cost with a hundred jobs as with a hundred million."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from backstay import aws, config
from backstay.catalog import Catalog
from backstay.clock import Clock, from_iso, utc_now
from backstay.jobs import keys
from backstay.jobs.counter_store import CounterStore, TaskCounters
from backstay.jobs.counters import Times
from backstay.jobs.indexes import BY_STATE, oldest_first
from backstay.jobs.queues import DEAD_SUFFIX
from backstay.jobs.record import State
from backstay.settings import Environment

THROUGHPUT_MINUTES = 5
"""Whole minutes that throughput is taken over."""

SUCCESS_MINUTES = 60
"""Whole minutes that the success rate is taken over."""

_THREADS = 16


@dataclass(frozen=True, slots=True)
class Counts:
    """Jobs by state (`counters` says what each counts), and how fast and how well they end."""

    waiting: int = 0
    active: int = 0
    delayed: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    dead_letters: int | None = None
    """Messages in the dead letter queue, roughly, as SQS counts; None where it can't be told by tenant."""
    oldest_waiting_s: float | None = None
    """Seconds since the job that waits longest came into that state; None when none waits, or it can't be told."""
    throughput_per_minute: float | None = None
    """Jobs completed a minute over the last five whole minutes; None where it isn't kept."""
    success_rate: float | None = None
    """Completed among completed and failed over the last hour, 0 to 1; None when neither happened."""
    ended_last_hour: int | None = None
    """Completed or failed; None where it isn't kept."""
    average_run_ms: float | None = None
    """What the last runs of jobs took that ended in the last hour; None when none did."""


@dataclass(frozen=True, slots=True)
class TaskStats:
    """One task."""

    task: str
    counts: Counts
    paused: bool | None = None
    """Whether Backstay has paused it; None where it wasn't asked."""
    times: Times = field(default_factory=Times)
    """How long its jobs have waited and run since they are counted; nothing by tenant."""


@dataclass(frozen=True, slots=True)
class Stats:
    """All tasks, and their total."""

    tasks: tuple[TaskStats, ...]
    total: Counts
    providers: tuple[str, ...]
    """The model providers that backstay.toml names."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one task."""

    counters: TaskCounters
    dead_letters: int
    oldest_waiting_s: float | None


class StatsReader:
    """Reads statistics; every number by key, by index, or from SQS."""

    def __init__(self, env: Environment, catalog: Catalog, clock: Clock = utc_now) -> None:
        self._env, self._catalog, self._clock = env, catalog, clock
        self._counters = CounterStore(env.jobs_table)

    def read(self) -> Stats:
        """Every task over all tenants."""
        now = self._clock()
        with ThreadPoolExecutor(max_workers=_THREADS) as threads:
            counted = {task: threads.submit(self._counters.read_task, task, _since(now)) for task in self._names}
            oldest = {task: threads.submit(self._oldest_waiting_s, task, now) for task in self._names}
            dead = {task: threads.submit(self._dead_letters, task) for task in self._names}
        readings = {
            task: Reading(counted[task].result(), dead[task].result(), oldest[task].result()) for task in self._names
        }
        tasks = [
            TaskStats(task, counts_of([reading], now), reading.counters.paused, reading.counters.times)
            for task, reading in readings.items()
        ]
        return Stats(tuple(tasks), counts_of(readings.values(), now), tuple(config.load().providers))

    def read_tenant(self, tenant: str) -> Stats:
        """Every task, counting one tenant's jobs only; what isn't kept by tenant is None."""
        kept = self._counters.read_tenant(tenant)
        tasks = tuple(TaskStats(task, states_of([kept.get(task, {})])) for task in self._names)
        return Stats(tasks, states_of(kept.values()), tuple(config.load().providers))

    @property
    def _names(self) -> tuple[str, ...]:
        return self._catalog.names

    def _oldest_waiting_s(self, task: str, now: datetime) -> float | None:
        partitions = [keys.state_key(task, State.WAITING, shard) for shard in range(keys.SHARDS)]
        entries = oldest_first(self._env.jobs_table, BY_STATE, partitions, limit=1)
        if not entries:
            return None
        return max(0.0, (now - from_iso(keys.moment_of_stamp(entries[0].position))).total_seconds())

    def _dead_letters(self, task: str) -> int:
        answer = aws.sqs().get_queue_attributes(
            QueueUrl=self._env.queue_url(task + DEAD_SUFFIX),
            # The sweeper hides those that it looks at.
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )
        return sum(int(count) for count in answer["Attributes"].values())


def counts_of(readings: Iterable[Reading], now: datetime) -> Counts:
    """The numbers of some tasks together."""
    readings = list(readings)
    minutes = [(minute, ended) for reading in readings for minute, ended in reading.counters.minutes.items()]
    waits = [reading.oldest_waiting_s for reading in readings if reading.oldest_waiting_s is not None]
    recent = [ended for minute, ended in minutes if _is_within(minute, THROUGHPUT_MINUTES, now)]
    lately = states_of(ended for minute, ended in minutes if _is_within(minute, SUCCESS_MINUTES, now))
    times = [one for reading in readings for one in _times_lately(reading.counters, now)]
    return replace(
        states_of(reading.counters.totals for reading in readings),
        dead_letters=sum(reading.dead_letters for reading in readings),
        oldest_waiting_s=max(waits, default=None),
        throughput_per_minute=sum(ended.get(State.COMPLETED, 0) for ended in recent) / THROUGHPUT_MINUTES,
        success_rate=success_rate(lately.completed, lately.failed),
        ended_last_hour=lately.completed + lately.failed,
        average_run_ms=_average_run_ms(times),
    )


def states_of(totals: Iterable[Mapping[State, int]]) -> Counts:
    """Some totals as one, without what only a whole task has."""
    totals = list(totals)
    return Counts(**{str(state): sum(total.get(state, 0) for total in totals) for state in State})


def success_rate(completed: int, failed: int) -> float | None:
    """0 to 1; None where nothing has ended."""
    return completed / (completed + failed) if completed + failed else None


def _times_lately(counters: TaskCounters, now: datetime) -> Iterator[Times]:
    return (one for minute, one in counters.minute_times.items() if _is_within(minute, SUCCESS_MINUTES, now))


def _average_run_ms(times: Iterable[Times]) -> float | None:
    together = sum(times, Times())
    return together.run_ms / together.runs if together.runs else None


def _is_within(minute: str, last: int, now: datetime) -> bool:
    """Whether a minute is one of the last whole ones; the current one isn't whole."""
    this_minute = now.replace(second=0, microsecond=0)
    began = datetime.fromisoformat(minute).replace(tzinfo=now.tzinfo)
    return this_minute - timedelta(minutes=last) <= began < this_minute


def _since(now: datetime) -> datetime:
    return now - timedelta(minutes=SUCCESS_MINUTES + 1)
