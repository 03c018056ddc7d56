"""Dead letters as people see them: jobs that failed for good and messages that are no job, from the record."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backstay.catalog import Catalog
from backstay.clock import iso
from backstay.errors import ErrorClass, Failure
from backstay.jobs import items, keys, poison
from backstay.jobs.indexes import BY_STATE, Entry, count, newest_first, oldest_first
from backstay.jobs.items import STATE_PART
from backstay.jobs.paging import LONGEST_PAGE, check_cursor
from backstay.jobs.poison import POISON, Poison
from backstay.jobs.record import JobRecord, State
from backstay.jobs.store import JobStore
from backstay.settings import Environment

REDRIVE_TASK = "redrive-dead-letters"
"""Redrives by selection leave out its own failed jobs, which would begin old redrives anew."""

MOST_COUNTED = 10_000
"""Dead letters that a plan counts; beyond it says that there are more."""

_MOST_PRICED = 100
_MOST_ROUNDS = 5  # index pages that one answer may read when it filters; a cursor leads on from there


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters; None means any, and ids name them one by one."""

    task: str | None = None
    tenant: str | None = None
    error_class: ErrorClass | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Up to but not at this moment, by when they failed."""
    ids: tuple[str, ...] = ()

    def admits_id(self, an_id: str) -> bool:
        """Whether the letter may be among them, as far as its id tells."""
        return self.tenant in (None, keys.tenant_of(an_id))

    def admits(self, letter: "DeadLetter") -> bool:
        """Whether the letter is among them."""
        return (
            self.admits_id(letter.id)
            and self.task in (None, letter.task)
            and self.error_class in (None, letter.failure.error_class)
            and (self.since is None or letter.at >= self.since)
            and (self.until is None or letter.at < self.until)
            and (not self.ids or letter.id in self.ids)
        )


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something that failed for good."""

    id: str
    task: str
    failure: Failure
    at: datetime
    """When it failed."""
    job: JobRecord | None = None
    """None for a message that is no job."""
    body: str | None = None
    """What a message that is no job says."""
    message_id: str | None = None
    """SQS's, of a message that is no job."""

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return keys.tenant_of(self.id)


@dataclass(frozen=True, slots=True)
class DeadLetterPage:
    """Some dead letters, and where the next page begins; no cursor, no next page."""

    letters: tuple[DeadLetter, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class RedrivePlan:
    """What a redrive would do."""

    count: int
    """Jobs that it would send anew."""
    is_more: bool
    """Whether there are more than were counted."""
    expected_cost_usd: Decimal
    """What the jobs have cost so far on average (a hundred of them are asked), times how many there are."""


class DeadLetters:
    """Lists and counts dead letters."""

    def __init__(self, env: Environment, catalog: Catalog) -> None:
        self._table, self._catalog = env.jobs_table, catalog
        self._store = JobStore(env.jobs_table)

    def page(self, wanted: Selection, cursor: str | None = None, limit: int = 20) -> DeadLetterPage:
        """Dead letters, newest first.

        Args:
            wanted: with ids, one page brings all of them, at most 100.
            cursor: where the page before ended.
            limit: at most 100.

        Raises:
            InvalidCursorError: the cursor is not one that a page brought.
            UnknownTaskError: the selection names a task that there is not.
        """
        check_cursor(cursor)
        if wanted.ids:
            found = self._read((an_id, part) for an_id in wanted.ids[:50] for part in (STATE_PART, POISON))
            return DeadLetterPage(tuple(letter for letter in found if wanted.admits(letter)), None)
        return self._read_page(wanted, cursor, max(1, min(LONGEST_PAGE, limit)))

    def failed_after(self, wanted: Selection, position: str | None, limit: int) -> tuple[list[Entry], str | None]:
        """Failed jobs' places in the index, oldest first, and where to go on; None at the end.

        Tells by task, tenant and time only: whether a job has failed still, and of which class, its record says.
        """
        after = position or _position(wanted.since)
        partitions = self._partitions(wanted, (State.FAILED,), without=REDRIVE_TASK)
        entries = oldest_first(
            self._table, BY_STATE, partitions, after=after, before=_position(wanted.until), limit=limit
        )
        admitted = [entry for entry in entries if wanted.admits_id(entry.id)]
        return admitted, entries[-1].position if len(entries) == limit else None

    def read_jobs(self, ids: Iterable[str]) -> list[DeadLetter]:
        """Failed jobs by id, at most 100; those that aren't failed are left out."""
        return self._read((an_id, STATE_PART) for an_id in ids)

    def read_poison(self, ids: Iterable[str]) -> list[Poison]:
        """Messages that are no job by id, at most 100; those that aren't there are left out."""
        return [poison.from_item(item) for item in self._store.get_items((an_id, POISON) for an_id in ids)]

    def plan(self, wanted: Selection) -> RedrivePlan:
        """What a redrive of these would do; counts to ten thousand.

        Raises:
            UnknownTaskError: the selection names a task that there is not.
        """
        if wanted.ids:
            matching = [letter for ids in _hundreds(wanted.ids) for letter in self.read_jobs(ids)]
            matching = [letter for letter in matching if wanted.admits(letter)]
            return _plan(len(matching), matching[:_MOST_PRICED], is_more=False)
        if wanted.error_class:
            return self._plan_by_reading(wanted)
        bounds = {"after": _position(wanted.since), "before": _position(wanted.until)}
        partitions = self._partitions(wanted, (State.FAILED,), without=REDRIVE_TASK)
        found = count(self._table, BY_STATE, partitions, **bounds, tenant=wanted.tenant, most=MOST_COUNTED + 1)
        entries, _ = self.failed_after(wanted, None, _MOST_PRICED)
        sample = self.read_jobs(entry.id for entry in entries)
        return _plan(min(found, MOST_COUNTED), sample, is_more=found > MOST_COUNTED)

    def _plan_by_reading(self, wanted: Selection) -> RedrivePlan:
        found: list[DeadLetter] = []
        position, seen = None, 0
        while seen < MOST_COUNTED:
            entries, position = self.failed_after(wanted, position, _MOST_PRICED)
            seen += _MOST_PRICED
            found += [letter for letter in self.read_jobs(entry.id for entry in entries) if wanted.admits(letter)]
            if position is None:
                break
        return _plan(len(found), found, is_more=position is not None)

    def _read_page(self, wanted: Selection, cursor: str | None, limit: int) -> DeadLetterPage:
        partitions = self._partitions(wanted, (State.FAILED, POISON))
        before = cursor or _position(wanted.until)
        found: list[DeadLetter] = []
        for _ in range(_MOST_ROUNDS):
            entries = newest_first(
                self._table, BY_STATE, partitions, after=_position(wanted.since), before=before, limit=limit
            )
            admitted = [(entry.id, entry.part) for entry in entries if wanted.admits_id(entry.id)]
            letters = {letter.id: letter for letter in self._read(admitted)}
            for entry in entries:
                before = entry.position
                letter = letters.get(entry.id)
                if letter and wanted.admits(letter):
                    found.append(letter)
                if len(found) == limit:
                    return DeadLetterPage(tuple(found), before)
            if len(entries) < limit:
                return DeadLetterPage(tuple(found), None)
        return DeadLetterPage(tuple(found), before)

    def _read(self, wanted: Iterable[tuple[str, str]]) -> list[DeadLetter]:
        found = (
            _of_poison(poison.from_item(item)) if item["part"] == POISON else _of_job(items.from_item(item))
            for item in self._store.get_items(wanted)
        )
        return [letter for letter in found if letter]

    def _partitions(self, wanted: Selection, states: tuple[str, ...], without: str | None = None) -> list[str]:
        every = tuple(name for name in self._catalog.names if name != without)
        tasks = (self._catalog.get(wanted.task).name,) if wanted.task else every
        return [
            keys.state_key(task, state, shard) for task in tasks for state in states for shard in range(keys.SHARDS)
        ]


def _of_job(record: JobRecord) -> DeadLetter | None:
    if record.state is not State.FAILED or record.error is None:
        return None
    return DeadLetter(record.id, record.task, record.error, record.changed_at, job=record)


def _of_poison(found: Poison) -> DeadLetter:
    return DeadLetter(found.id, found.task, found.failure, found.at, body=found.body, message_id=found.message_id)


def _plan(found: int, sample: list[DeadLetter], *, is_more: bool) -> RedrivePlan:
    costs = [letter.job.receipt.cost_usd if letter.job.receipt else Decimal(0) for letter in sample if letter.job]
    average = sum(costs, Decimal(0)) / len(costs) if costs else Decimal(0)
    return RedrivePlan(found, is_more, round(average * found, 6))


def _position(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _hundreds(ids: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    return (ids[start : start + 100] for start in range(0, len(ids), 100))
