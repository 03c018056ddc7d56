"""Whether the house is well, and why not: pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from .breaker_shapes import state_name
from .house_shapes import MOST_COUNTED

if TYPE_CHECKING:
    from backstay.jobs.stats import TaskStats
    from backstay.resilience.breaker import BreakerStats

    from .house import HouseState


class Status(StrEnum):
    """From good to bad."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    """Work goes on, and somebody should look."""
    UNHEALTHY = "unhealthy"
    """Work does not go on."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that is not well."""

    status: Status
    about: str
    """A task, a provider, a saga, a rule, or a part of the house."""
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The worst of all reasons; the worst come first."""

    status: Status
    reasons: tuple[Reason, ...]


FEWEST_ENDED = 10
"""Jobs that must have ended in the last hour before their success says something."""
GOOD_SUCCESS, BAD_SUCCESS = 0.9, 0.5
LONG_WAIT_S = 600.0
MOST_REASONS = 20

_RANK = {Status.UNHEALTHY: 0, Status.DEGRADED: 1, Status.HEALTHY: 2}
_PROVIDER = "provider:"


def judge(house: "HouseState") -> Verdict:
    """Whether it is well."""
    found = [*_unread(house), *_providers(house), *_tasks(house), *_sagas(house), *_alerts(house)]
    found.sort(key=lambda reason: _RANK[reason.status])
    status = found[0].status if found else Status.HEALTHY
    return Verdict(status, tuple(found[:MOST_REASONS]))


def _unread(house: "HouseState") -> Iterator[Reason]:
    for part in house.unread:
        yield Reason(Status.UNHEALTHY, part.replace("_", " "), "can't be read: AWS does not answer as it should")


def _providers(house: "HouseState") -> Iterator[Reason]:
    providers = [breaker for breaker in house.breakers if breaker.name.startswith(_PROVIDER)]
    out = [breaker for breaker in providers if _trouble_of(breaker)]
    if out and len(out) == len(providers):
        yield Reason(Status.UNHEALTHY, "providers", "no provider of models can be called")
    for breaker in house.breakers:
        if trouble := _trouble_of(breaker):
            yield Reason(Status.DEGRADED, breaker.name.removeprefix(_PROVIDER), trouble)


def _trouble_of(breaker: "BreakerStats") -> str:
    if breaker.held:
        return f"is not called: {breaker.held}"
    state = state_name(breaker)
    return "" if state == "closed" else f"its breaker is {state.replace('_', ' ')}"


def _tasks(house: "HouseState") -> Iterator[Reason]:
    for task in house.stats.tasks if house.stats else ():
        yield from _of_task(task)


def _of_task(task: "TaskStats") -> Iterator[Reason]:
    counts = task.counts
    if counts.success_rate is not None and (counts.ended_last_hour or 0) >= FEWEST_ENDED:
        failed = f"{1 - counts.success_rate:.0%} of its jobs failed in the last hour"
        if counts.success_rate < BAD_SUCCESS:
            yield Reason(Status.UNHEALTHY, task.task, failed)
        elif counts.success_rate < GOOD_SUCCESS:
            yield Reason(Status.DEGRADED, task.task, failed)
    if task.paused:
        yield Reason(Status.DEGRADED, task.task, "is paused")
    elif (counts.oldest_waiting_s or 0) > LONG_WAIT_S:
        yield Reason(Status.DEGRADED, task.task, f"a job has waited for {(counts.oldest_waiting_s or 0) / 60:.0f} min")
    if counts.dead_letters:
        yield Reason(Status.DEGRADED, task.task, f"has {counts.dead_letters} dead letters")


def _sagas(house: "HouseState") -> Iterator[Reason]:
    for saga, numbers in house.sagas.items():
        if numbers.stuck:
            yield Reason(Status.DEGRADED, saga, f"{numbers.stuck} of its runs are stuck")
    if house.undone_in_part:
        how_many = f"at least {MOST_COUNTED}" if house.undone_in_part >= MOST_COUNTED else str(house.undone_in_part)
        yield Reason(Status.DEGRADED, "workflows", f"{how_many} runs need a person: not all could be undone")


def _alerts(house: "HouseState") -> Iterator[Reason]:
    grave = [alert for alert in house.alerts if alert.severity.value in ("critical", "emergency")]
    for rule, count in Counter(alert.rule for alert in grave).most_common():
        yield Reason(Status.DEGRADED, rule, f"{count} critical alerts are not resolved" if count > 1 else "is critical")
