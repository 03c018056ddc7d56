"""What jobs did hour by hour and day by day: summed up now and then from the minutes that follow the stream."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from backstay import aws
from backstay.clock import Clock, epoch_ms, iso, utc_now
from backstay.dynamodb import decode_item, encode_item
from backstay.jobs.counter_store import MINUTE, MINUTE_KEPT, task_counters_id
from backstay.jobs.counters import Times

HOUR, DAY = "hour#", "day#"
_SUMMED = MINUTE_KEPT - timedelta(hours=2)
"""Hours that began longer ago are left alone: the first of their minutes may be gone."""
_KEPT = {HOUR: timedelta(days=9), DAY: timedelta(days=400)}
_LENGTHS = {MINUTE: 16, HOUR: 13, DAY: 10}
"""Characters of an ISO time that name a minute, an hour, a day."""
_STEPS = {MINUTE: timedelta(minutes=1), HOUR: timedelta(hours=1), DAY: timedelta(days=1)}
_ENDS = ("completed", "failed", "cancelled")


class Range(StrEnum):
    """How far back one looks."""

    HOUR = "hour"
    """By the minute."""
    DAY = "day"
    """By the hour."""
    WEEK = "week"
    """By the hour."""
    MONTH = "month"
    """By the day: thirty of them."""
    YEAR = "year"
    """By the day."""


_RANGES: Mapping[Range, tuple[str, int]] = {
    Range.HOUR: (MINUTE, 60),
    Range.DAY: (HOUR, 24),
    Range.WEEK: (HOUR, 7 * 24),
    Range.MONTH: (DAY, 30),
    Range.YEAR: (DAY, 366),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """Jobs that ended in some time, and what their last runs took. They add up."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    times: Times = field(default_factory=Times)

    def __add__(self, other: "Ended") -> "Ended":
        return Ended(
            self.completed + other.completed,
            self.failed + other.failed,
            self.cancelled + other.cancelled,
            self.times + other.times,
        )

    def to_counters(self) -> dict[str, int]:
        """By attribute, without zeros."""
        return {name: n for name in _ENDS if (n := getattr(self, name))} | self.times.as_counters()

    @classmethod
    def of(cls, counters: Mapping[str, Any]) -> "Ended":
        """What `to_counters` made, added up or not."""
        return cls(**{name: int(counters.get(name, 0)) for name in _ENDS}, times=Times.of(counters))


def step_of(wanted: Range) -> timedelta:
    """What one point of a range tells of."""
    return _STEPS[_RANGES[wanted][0]]


def moments_of(wanted: Range, now: datetime) -> list[datetime]:
    """When the points of a range begin, the oldest first; the last is not over."""
    kind, points = _RANGES[wanted]
    last = _began(kind, iso(now)[: _LENGTHS[kind]])
    return [last - _STEPS[kind] * back for back in reversed(range(points))]


class History:
    """Sums up and reads, task by task, in the jobs table."""

    def __init__(self, table: str, clock: Clock = utc_now) -> None:
        self._table, self._clock = table, clock

    def sum_up(self, task: str) -> None:
        """Bring the hours and days of the last few hours up to date. The same again changes nothing.

        Costs a query where nothing has ended lately.
        """
        since = self._clock() - _SUMMED
        first = since.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        if not (minutes := self._read(task, MINUTE, first)):
            return
        hours = _summed(minutes.items(), _LENGTHS[HOUR])
        known = self._read(task, HOUR, first)
        changed = {hour: ended for hour, ended in hours.items() if ended != known.get(hour)}
        for hour, ended in changed.items():
            self._write(task, HOUR, hour, ended)
        for day in sorted({hour[: _LENGTHS[DAY]] for hour in changed}):
            began = _began(DAY, day)
            of_day = self._read(task, HOUR, began, began + timedelta(hours=23))
            self._write(task, DAY, day, sum(of_day.values(), Ended()))

    def read(self, task: str, wanted: Range) -> dict[datetime, Ended]:
        """What ended in the steps of a range in which anything did, by when the step began: one query."""
        moments = moments_of(wanted, self._clock())
        kind, _ = _RANGES[wanted]
        return {_began(kind, name): ended for name, ended in self._read(task, kind, moments[0]).items()}

    def _read(self, task: str, kind: str, first: datetime, last: datetime | None = None) -> dict[str, Ended]:
        length = _LENGTHS[kind]
        ends = kind + (iso(last)[:length] if last else "~")
        pages = aws.dynamodb().get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="id = :id AND part BETWEEN :first AND :last",
            ExpressionAttributeValues=encode_item(
                {":id": task_counters_id(task), ":first": kind + iso(first)[:length], ":last": ends}
            ),
            ConsistentRead=True,
        )  # fmt: skip
        items = (decode_item(item) for page in pages for item in page["Items"])
        return {item["part"].removeprefix(kind): Ended.of(item) for item in items}

    def _write(self, task: str, kind: str, name: str, ended: Ended) -> None:
        expires = epoch_ms(_began(kind, name) + _KEPT[kind]) // 1000
        item = {"id": task_counters_id(task), "part": kind + name, **ended.to_counters(), "ttl": expires}
        aws.dynamodb().put_item(TableName=self._table, Item=encode_item(item))


def _summed(parts: Iterable[tuple[str, Ended]], length: int) -> dict[str, Ended]:
    sums: dict[str, Ended] = {}
    for name, ended in parts:
        sums[name[:length]] = sums.get(name[:length], Ended()) + ended
    return sums


def _began(kind: str, name: str) -> datetime:
    return datetime.fromisoformat(f"{name}:00" if kind == HOUR else name).replace(tzinfo=UTC)


def all_of(wanted: Range, now: datetime, found: Iterable[Mapping[datetime, Ended]]) -> Iterator[tuple[datetime, Ended]]:
    """Every step of a range with what ended in it, of some tasks together, the oldest first."""
    found = list(found)
    for moment in moments_of(wanted, now):
        yield moment, sum((of.get(moment, Ended()) for of in found), Ended())
