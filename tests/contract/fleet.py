"""A fleet of processes full of callers, for guards whose promises are about many at once."""

import itertools
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from backstay import aws
from backstay.resilience.breaker import CircuitBreaker, CircuitOpen
from backstay.resilience.circuit import BreakerSettings
from backstay.resilience.fleet_bulkhead import FleetBulkhead, FleetBulkheadFull
from backstay.resilience.rate_limit import RateExceeded, RateLimit, RateLimits


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the other side saw it; the times are seconds since 1970, of the one clock that all share."""

    arrived: float
    ended: float
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What one process did."""

    calls: tuple[Call, ...]
    writes: int
    """To the guards table, refused ones included."""


@dataclass(frozen=True, slots=True)
class RateCallers:
    """Callers that come back when they are told to, and use a part of the tokens that they take."""

    table: str
    limits: RateLimits
    tokens: int
    tokens_used: int
    lasts_s: float

    def __call__(self, starts_at: float, callers: int) -> list[Call]:
        """Call until the time is over."""
        rate, ends_at = RateLimit("fleet", self.limits, self.table), starts_at + self.lasts_s

        def keep_calling(number: int) -> list[Call]:
            calls = []
            while time.time() < ends_at:
                try:
                    permit = rate.take(self.tokens, "high" if number % 2 else "normal")
                except RateExceeded as refused:
                    time.sleep(min(refused.wait_s, max(0, ends_at - time.time())))
                    continue
                now = time.time()
                calls.append(Call(now, now, self.tokens_used))
                permit.settle(self.tokens_used)
            return calls

        return _all(keep_calling, callers)


@dataclass(frozen=True, slots=True)
class BreakerCallers:
    """Callers of a provider that is down from the start until the end, and fails each call after a while."""

    table: str
    settings: BreakerSettings
    cache_s: float
    fails_after_s: float
    lasts_s: float

    def __call__(self, starts_at: float, callers: int) -> list[Call]:
        """Call until the time is over."""
        breaker = CircuitBreaker(self.table, self.settings, cache_s=self.cache_s, on_transition=lambda _: None)
        ends_at = starts_at + self.lasts_s

        def keep_calling(number: int) -> list[Call]:
            calls = []
            while time.time() < ends_at:
                try:
                    admission = breaker.admit("fleet")
                except CircuitOpen:
                    time.sleep(0.05)
                    continue
                arrived = time.time()
                time.sleep(self.fails_after_s)
                admission.failed()
                calls.append(Call(arrived, time.time()))
            return calls

        return _all(keep_calling, callers)


@dataclass(frozen=True, slots=True)
class SeatedCallers:
    """Callers that share seats, hold each for a moment, and come back when they find none."""

    table: str
    at_once: int
    call_s: float
    lasts_s: float

    def __call__(self, starts_at: float, callers: int) -> list[Call]:
        """Call until the time is over."""
        bulkhead, ends_at = FleetBulkhead("fleet", self.at_once, self.table), starts_at + self.lasts_s

        def keep_calling(number: int) -> list[Call]:
            calls = []
            while time.time() < ends_at:
                try:
                    with bulkhead.seat(lasts_s=30):
                        arrived = time.time()
                        time.sleep(self.call_s)
                        calls.append(Call(arrived, time.time()))
                except FleetBulkheadFull:
                    time.sleep(0.05)
            return calls

        return _all(keep_calling, callers)


def run(
    work: Callable[[float, int], Sequence[Call]], environment: Mapping[str, str], callers: int, processes: int = 8
) -> list[Seen]:
    """Let so many processes with so many callers each work at the same time; answers what each did."""
    spawn = multiprocessing.get_context("spawn")
    pipes = [spawn.Pipe() for _ in range(processes)]
    children = [spawn.Process(target=_process, args=(work, dict(environment), callers, end)) for _, end in pipes]
    for child in children:
        child.start()
    for ours, theirs in pipes:
        theirs.close()  # a child that dies ends what we receive, instead of letting us wait for it
        ours.recv()
    starts_at = time.time() + 0.1
    for ours, _ in pipes:
        ours.send(starts_at)
    seen: list[Seen] = [ours.recv() for ours, _ in pipes]
    for child in children:
        child.join()
    return seen


def busiest(calls: Sequence[Call], window_s: float, weight: Callable[[Call], int] = lambda _: 1) -> int:
    """The most that any window of that length holds, wherever it begins."""
    ordered = sorted(calls, key=lambda call: call.arrived)
    most = inside = first = 0
    for call in ordered:
        inside += weight(call)
        while ordered[first].arrived <= call.arrived - window_s:
            inside -= weight(ordered[first])
            first += 1
        most = max(most, inside)
    return most


def most_at_once(calls: Sequence[Call]) -> int:
    """The most calls that ran at any one moment."""
    moves = sorted([(call.arrived, 1) for call in calls] + [(call.ended, -1) for call in calls])
    return max(itertools.accumulate(change for _, change in moves))


def _process(
    work: Callable[[float, int], list[Call]],
    environment: dict[str, str],
    callers: int,
    end: Connection,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    writes: list[int] = []

    def count(**_: Any) -> None:
        writes.append(1)

    for name in ("PutItem", "UpdateItem"):
        aws.dynamodb_for_guards().meta.events.register(f"before-send.dynamodb.{name}", count)
    end.send("ready")
    starts_at: float = end.recv()
    time.sleep(max(0, starts_at - time.time()))
    end.send(Seen(tuple(work(starts_at, callers)), len(writes)))


def _all(keep_calling: Callable[[int], list[Call]], callers: int) -> list[Call]:
    with ThreadPoolExecutor(callers) as threads:
        return [call for calls in threads.map(keep_calling, range(callers)) for call in calls]
