"""Counts jobs anew, from the index that lists them by state, and puts right what counters say otherwise.

The one place that goes through all jobs, for when something was lost on the way to the counters: a batch of the stream
that was set aside, or a table that was put back from a backup.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from backstay import aws
from backstay.dynamodb import encode_item
from backstay.errors import BackstayError
from backstay.jobs import keys
from backstay.jobs.counter_store import CounterStore, task_counters_id, tenant_counters_id
from backstay.jobs.indexes import BY_STATE
from backstay.jobs.items import STATE_PART
from backstay.jobs.record import State

QUIET_S = 10.0
"""How long nothing may change, so that what the stream brings late has been counted."""
_THREADS = 8


class NotQuietError(BackstayError):
    """Jobs changed state while they were counted; nothing was written."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One counter that was put right."""

    task: str
    state: State
    was: int
    now: int
    tenant: str | None = None
    """None: over all tenants."""


@dataclass
class Census:
    """How many jobs there are, by task and state."""

    tasks: Counter[tuple[str, State]] = field(default_factory=Counter)
    tenants: dict[str, Counter[tuple[str, State]]] = field(default_factory=dict)


class Recount:
    """Counts the jobs of some tasks.

    Args:
        table: the jobs table.
        tasks: names.
        wait: lets so many seconds pass.
    """

    def __init__(self, table: str, tasks: Sequence[str], wait: Callable[[float], None] = time.sleep) -> None:
        self._table, self._tasks, self._wait = table, tuple(tasks), wait
        self._counters = CounterStore(table)

    def rebuild(self) -> tuple[Correction, ...]:
        """Put right what waits, is delayed and is active; what is over is never less than what is there.

        Tenants are put right that have any job there. Answers what was wrong.

        Raises:
            NotQuietError: pause the tasks, and try again when no job is active.
        """
        kept, found = self._kept(), self._census()
        self._wait(QUIET_S)
        if self._kept() != kept or self._census() != found:
            raise NotQuietError("jobs change state while they are counted, or their changes are not counted yet")
        corrections = tuple(self._of_tasks(found, kept)) + tuple(self._of_tenants(found))
        for one in corrections:
            self._correct(one)
        return corrections

    def _kept(self) -> dict[str, Mapping[str, int]]:
        return {task: self._counters.kept(task_counters_id(task)) for task in self._tasks}

    def _census(self) -> Census:
        found = Census()
        places = [(task, state) for task in self._tasks for state in State]
        with ThreadPoolExecutor(max_workers=_THREADS) as threads:
            for place, tenants in zip(places, threads.map(self._tenants_in, places), strict=True):
                found.tasks[place] += tenants.total()
                for tenant, count in tenants.items():
                    found.tenants.setdefault(tenant, Counter())[place] += count
        return found

    def _tenants_in(self, place: tuple[str, State]) -> Counter[str]:
        """How many jobs each tenant has there."""
        tenants: Counter[str] = Counter()
        for shard in range(keys.SHARDS):
            pages = aws.dynamodb().get_paginator("query").paginate(
                TableName=self._table,
                IndexName=BY_STATE.name,
                KeyConditionExpression="#key = :key",
                ExpressionAttributeNames={"#key": BY_STATE.key},
                ExpressionAttributeValues=encode_item({":key": keys.state_key(place[0], place[1], shard)}),
            )  # fmt: skip
            tenants.update(
                keys.tenant_of(item["id"]["S"])
                for page in pages
                for item in page["Items"]
                if item["part"]["S"] == STATE_PART
            )
        return tenants

    def _of_tasks(self, found: Census, kept: Mapping[str, Mapping[str, int]]) -> Iterator[Correction]:
        for task in self._tasks:
            for state in State:
                was = kept[task].get(str(state), 0)
                now = _right(state, was, found.tasks[task, state])
                if now != was:
                    yield Correction(task, state, was, now)

    def _of_tenants(self, found: Census) -> Iterator[Correction]:
        for tenant, counts in sorted(found.tenants.items()):
            kept = self._counters.kept(tenant_counters_id(tenant))
            for task in self._tasks:
                for state in State:
                    was = kept.get(f"{task}#{state}", 0)
                    now = _right(state, was, counts[task, state])
                    if now != was:
                        yield Correction(task, state, was, now, tenant)

    def _correct(self, one: Correction) -> None:
        """Added, so that what the stream counts meanwhile stays counted."""
        if one.tenant is None:
            self._counters.add_to(task_counters_id(one.task), {str(one.state): one.now - one.was})
        else:
            self._counters.add_to(tenant_counters_id(one.tenant), {f"{one.task}#{one.state}": one.now - one.was})


def _right(state: State, counted: int, there: int) -> int:
    """What a counter should say: records of jobs that are over go for their age, and stay counted."""
    return max(counted, there) if state.is_terminal else there
