"""Counters of jobs by task and tenant, derived from the jobs table's stream, so that nothing is ever counted up.

`waiting`, `delayed` and `active` say how many there are. `completed`, `failed` and `cancelled` say how many there are
and how many there were: a record that goes for its age or with its tenant's data stays counted, and a redriven job is
no longer counted as failed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

from backstay.clock import from_epoch_ms, iso
from backstay.jobs import keys
from backstay.jobs.items import STATE_PART
from backstay.jobs.record import State

Image: TypeAlias = Mapping[str, Mapping[str, Any]]
"""An item in a stream record, in DynamoDB's own notation."""

_MINUTE_CHARACTERS = 16  # of an ISO time: up to the minute


@dataclass(frozen=True, slots=True)
class Minute:
    """One task's minute, `2026-11-25T03:28` in UTC."""

    task: str
    minute: str


@dataclass(frozen=True, slots=True)
class Streak:
    """What a batch does to the number of a task's jobs that have failed in a row."""

    is_broken: bool = False
    """One was completed, and the count begins anew."""
    failures: int = 0
    """Since then, or in all."""

    def followed_by(self, state: State | None) -> "Streak":
        """What it is with one more job in a state."""
        match state:
            case State.COMPLETED:
                return Streak(is_broken=True)
            case State.FAILED:
                return Streak(self.is_broken, self.failures + 1)
            case _:
                return self


@dataclass(frozen=True, slots=True)
class Times:
    """How long jobs waited and ran, in sums; times add up."""

    runs: int = 0
    """Runs that are over, whatever became of their jobs."""
    run_ms: int = 0
    """What they took together."""
    claims: int = 0
    """Jobs that were taken up after they had waited for a worker."""
    wait_ms: int = 0
    ended: int = 0
    """Runs among them with which their jobs ended."""
    attempts: int = 0
    """That those jobs had used up."""

    def __add__(self, other: "Times") -> "Times":
        return Times(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def as_counters(self) -> dict[str, int]:
        """By name, without zeros."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name))}

    @classmethod
    def of(cls, counters: Mapping[str, Any]) -> "Times":
        """What `as_counters` made, added up or not."""
        return cls(**{one.name: int(counters[one.name]) for one in fields(cls) if one.name in counters})


@dataclass(frozen=True, slots=True)
class Deltas:
    """What a batch of stream records changes; no entry is 0."""

    tasks: Mapping[str, Mapping[State, int]] = field(default_factory=dict)
    tenants: Mapping[str, Mapping[tuple[str, State], int]] = field(default_factory=dict)
    """By tenant, then by task and state."""
    minutes: Mapping[Minute, Mapping[State, int]] = field(default_factory=dict)
    """Jobs that ended in a minute."""
    arrivals: Mapping[str, Mapping[State, int]] = field(default_factory=dict)
    """By task: how many jobs came into each state, whether or not they left it again in the same batch."""
    streaks: Mapping[str, Streak] = field(default_factory=dict)
    """By task, where anything was completed or failed."""
    times: Mapping[str, Times] = field(default_factory=dict)
    """By task."""
    minute_times: Mapping[Minute, Times] = field(default_factory=dict)
    """Of the last runs of jobs that ended in a minute."""


@dataclass(frozen=True, slots=True)
class _Move:
    """One job's change of state: from None when it is new, to None when its record goes."""

    task: str
    tenant: str
    old: State | None
    new: State | None
    minute: str
    lasted_ms: int = 0
    """How long it was in its old state."""
    attempts: int = 0

    @property
    def times(self) -> Times:
        """What it adds to how long jobs wait and run."""
        match self.old, self.new:
            case State.ACTIVE, State.COMPLETED | State.FAILED | State.CANCELLED:
                return Times(runs=1, run_ms=self.lasted_ms, ended=1, attempts=self.attempts)
            case State.ACTIVE, State():
                return Times(runs=1, run_ms=self.lasted_ms)
            case State.WAITING, State.ACTIVE:
                return Times(claims=1, wait_ms=self.lasted_ms)
            case _:
                return Times()


def deltas(records: Iterable[Mapping[str, Any]]) -> Deltas:
    """What stream records change in the counters.

    Args:
        records: as a Lambda receives them, with old and new images. Other items than jobs' records change nothing.
    """
    tasks: dict[str, Counter[State]] = {}
    tenants: dict[str, Counter[tuple[str, State]]] = {}
    minutes: dict[Minute, Counter[State]] = {}
    arrivals: dict[str, Counter[State]] = {}
    streaks: dict[str, Streak] = {}
    times: defaultdict[str, Times] = defaultdict(Times)
    minute_times: defaultdict[Minute, Times] = defaultdict(Times)
    for move in filter(None, map(_move, records)):
        for state, change in ((move.old, -1), (move.new, +1)):
            if state is None:
                continue
            tasks.setdefault(move.task, Counter())[state] += change
            tenants.setdefault(move.tenant, Counter())[move.task, state] += change
        streaks[move.task] = streaks.get(move.task, Streak()).followed_by(move.new)
        times[move.task] += move.times
        if move.new:
            arrivals.setdefault(move.task, Counter())[move.new] += 1
            if move.new.is_terminal:
                minute = Minute(move.task, move.minute)
                minutes.setdefault(minute, Counter())[move.new] += 1
                minute_times[minute] += move.times
    return Deltas(
        _pruned(tasks),
        _pruned(tenants),
        _pruned(minutes),
        _pruned(arrivals),
        {task: streak for task, streak in streaks.items() if streak != Streak()},
        {task: one for task, one in times.items() if one != Times()},
        {minute: one for minute, one in minute_times.items() if one != Times()},
    )


def _move(record: Mapping[str, Any]) -> _Move | None:
    change = record["dynamodb"]
    old_image: Image | None = change.get("OldImage")
    new_image: Image | None = change.get("NewImage")
    image = new_image or old_image
    if image is None or image["part"]["S"] != STATE_PART:
        return None
    old, new = _state(old_image), _state(new_image)
    if old is new or (new is None and old is not None and old.is_terminal):
        return None
    changed_at_ms = int(image["changed_at"]["N"])
    return _Move(
        task=image["task"]["S"],
        tenant=keys.tenant_of(image["id"]["S"]),
        old=old,
        new=new,
        minute=iso(from_epoch_ms(changed_at_ms))[:_MINUTE_CHARACTERS],
        lasted_ms=max(0, changed_at_ms - int(old_image["changed_at"]["N"])) if old_image else 0,
        attempts=int(image["attempts"]["N"]) if "attempts" in image else 0,
    )


def _state(image: Image | None) -> State | None:
    return State(image["state"]["S"]) if image else None


def _pruned(counters: Mapping[Any, Counter[Any]]) -> dict[Any, dict[Any, int]]:
    kept = {key: {name: change for name, change in counter.items() if change} for key, counter in counters.items()}
    return {key: changes for key, changes in kept.items() if changes}
