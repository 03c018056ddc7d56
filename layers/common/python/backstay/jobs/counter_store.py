"""Where counters stand in the jobs table: an item a task, one a tenant, and one a task and minute."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from backstay import aws
from backstay.clock import epoch_ms, iso
from backstay.dynamodb import decode_item, encode_item
from backstay.jobs.counters import Deltas, Streak, Times
from backstay.jobs.record import State
from backstay.jobs.stream_position import Position, PositionMovedError, PositionStore

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

MINUTE = "minute#"
MINUTE_KEPT = timedelta(hours=6)
"""What follows from minutes may be summed up as late as that."""

_TOTAL = "total"
_PAUSED = "paused"
_IN_A_ROW = "failures_in_a_row"
MOST_ITEMS = 100
"""A transaction's."""
_CONDITION = "ConditionalCheckFailed"
_MOST_CONFLICTS = 10


@dataclass(frozen=True, slots=True)
class TaskCounters:
    """One task's counters, as read at one moment."""

    totals: Mapping[State, int]
    minutes: Mapping[str, Mapping[State, int]] = field(default_factory=dict)
    """By minute, `2026-11-25T03:28` in UTC: jobs that ended in it."""
    paused: bool = False
    times: Times = field(default_factory=Times)
    minute_times: Mapping[str, Times] = field(default_factory=dict)
    """Of the last runs of those jobs."""


class CounterStore:
    """Adds to the counters and reads them."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.positions = PositionStore(table)

    def add(self, changes: Deltas, event_ids: Iterable[str], more: Iterable[dict[str, Any]] = ()) -> None:
        """Add what a batch changes, all of it or nothing; the same batch again within ten minutes changes nothing.

        Args:
            changes: of the batch.
            event_ids: the batch's identity; one that is repeated has the same.
            more: items of a transaction that follow from the batch too, the same for the same batch.
        """
        self._write_by_events([*self.updates(changes), *more], event_ids)

    def add_behind(
        self, old: Position, new: Position, items: Sequence[dict[str, Any]], event_ids: Iterable[str]
    ) -> None:
        """Write these items of a transaction and move the position of their shard on, all of it or nothing.

        What one transaction can't hold goes before, known by its events alone.

        Raises:
            PositionMovedError: somebody else has moved it, and nothing was written but what went before.
        """
        before = len(items) - len(items) % MOST_ITEMS if len(items) >= MOST_ITEMS else 0
        self._write_by_events(items[:before], event_ids)
        self._write([*items[before:], self.positions.moving(old, new)], None)

    def _write_by_events(self, items: Sequence[dict[str, Any]], event_ids: Iterable[str]) -> None:
        identity = hashlib.sha256("\n".join(event_ids).encode()).hexdigest()[:32]
        for number, start in enumerate(range(0, len(items), MOST_ITEMS)):
            self._write(items[start : start + MOST_ITEMS], f"{identity}{number:04d}")

    def read_task(self, task: str, since: datetime) -> TaskCounters:
        """One task's counters, and its minutes since a moment, in one read."""
        answer = aws.dynamodb().query(
            TableName=self.table,
            KeyConditionExpression="id = :id AND part BETWEEN :first AND :last",
            ExpressionAttributeValues=encode_item(
                {":id": task_counters_id(task), ":first": MINUTE + iso(since)[:16], ":last": _TOTAL}
            ),
        )
        items = {item["part"]: item for item in map(decode_item, answer["Items"])}
        minutes = {part.removeprefix(MINUTE): item for part, item in items.items() if part.startswith(MINUTE)}
        return TaskCounters(
            totals=_by_state(items.get(_TOTAL, {})),
            minutes={minute: _by_state(item) for minute, item in minutes.items()},
            paused=_PAUSED in items,
            times=Times.of(items.get(_TOTAL, {})),
            minute_times={minute: Times.of(item) for minute, item in minutes.items()},
        )

    def failures_in_a_row(self, task: str) -> int:
        """How many of a task's jobs have failed since one was completed."""
        key = encode_item({"id": task_counters_id(task), "part": _TOTAL})
        answer = aws.dynamodb().get_item(TableName=self.table, Key=key, ConsistentRead=True)
        return int(decode_item(answer.get("Item", {})).get(_IN_A_ROW, 0))

    def read_tenant(self, tenant: str) -> dict[str, Mapping[State, int]]:
        """One tenant's totals by task."""
        key = {"id": tenant_counters_id(tenant), "part": _TOTAL}
        answer = aws.dynamodb().get_item(TableName=self.table, Key=encode_item(key))
        by_task: dict[str, dict[str, int]] = {}
        for name, count in decode_item(answer.get("Item", {})).items():
            task, separator, state = name.partition("#")
            if separator:
                by_task.setdefault(task, {})[state] = count
        return {task: _by_state(counts) for task, counts in by_task.items()}

    def kept(self, an_id: str) -> dict[str, int]:
        """The totals of a task or a tenant by name, as they stand."""
        key = encode_item({"id": an_id, "part": _TOTAL})
        answer = aws.dynamodb().get_item(TableName=self.table, Key=key, ConsistentRead=True)
        item = decode_item(answer.get("Item", {}))
        return {name: count for name, count in item.items() if isinstance(count, int)}

    def add_to(self, an_id: str, changes: Mapping[str, int]) -> None:
        """Add to totals of a task or a tenant."""
        aws.dynamodb().update_item(**self._update(an_id, _TOTAL, changes)["Update"])

    def forget_tenant(self, tenant: str) -> None:
        """Delete a tenant's counters; what it did stays in its tasks' totals."""
        key = {"id": tenant_counters_id(tenant), "part": _TOTAL}
        aws.dynamodb().delete_item(TableName=self.table, Key=encode_item(key))

    def note_paused(self, task: str, *, paused: bool) -> None:
        """Note beside the counters that a task is paused, so that statistics needn't ask Lambda."""
        key = encode_item({"id": task_counters_id(task), "part": _PAUSED})
        if paused:
            aws.dynamodb().put_item(TableName=self.table, Item=key)
        else:
            aws.dynamodb().delete_item(TableName=self.table, Key=key)

    def updates(self, changes: Deltas) -> list[dict[str, Any]]:
        """What adds changes to the counters: items of a transaction, the same for the same."""
        return list(self._updates(changes))

    def _updates(self, changes: Deltas) -> Iterator[dict[str, Any]]:
        for task in dict.fromkeys([*changes.tasks, *changes.streaks, *changes.times]):
            adds, sets = {str(state): n for state, n in changes.tasks.get(task, {}).items()}, {}
            adds |= changes.times.get(task, Times()).as_counters()
            streak = changes.streaks.get(task, Streak())
            if streak.is_broken:
                sets[_IN_A_ROW] = streak.failures
            elif streak.failures:
                adds[_IN_A_ROW] = streak.failures
            yield self._update(task_counters_id(task), _TOTAL, adds, sets)
        for tenant, counts in changes.tenants.items():
            by_name = {f"{task}#{state}": n for (task, state), n in counts.items()}
            yield self._update(tenant_counters_id(tenant), _TOTAL, by_name)
        for minute, states in changes.minutes.items():
            by_name = {str(state): n for state, n in states.items()}
            by_name |= changes.minute_times.get(minute, Times()).as_counters()
            began = datetime.fromisoformat(minute.minute).replace(tzinfo=UTC)
            ends = epoch_ms(began + MINUTE_KEPT) // 1000  # a repeated batch must ask for the very same
            yield self._update(task_counters_id(minute.task), MINUTE + minute.minute, by_name, {"ttl": ends})

    def _update(
        self, an_id: str, part: str, adds: Mapping[str, int], sets: Mapping[str, int] = MappingProxyType({})
    ) -> dict[str, Any]:
        both = [*adds.items(), *sets.items()]
        names = {f"#{index}": name for index, (name, _) in enumerate(both)}
        values = {f":{index}": number for index, (_, number) in enumerate(both)}
        expression = "ADD " + ", ".join(f"#{index} :{index}" for index in range(len(adds))) if adds else ""
        if sets:
            expression += " SET " + ", ".join(f"#{index} = :{index}" for index in range(len(adds), len(both)))
        return {
            "Update": {
                "TableName": self.table,
                "Key": encode_item({"id": an_id, "part": part}),
                "UpdateExpression": expression.strip(),
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": encode_item(values),
            }
        }

    def _write(self, updates: Sequence[dict[str, Any]], token: str | None) -> None:
        """One transaction. Other shards of the stream add to the same items, and one of two that meet is refused."""
        dynamodb = aws.dynamodb()
        named: dict[str, Any] = {"ClientRequestToken": token} if token else {}
        for attempt in range(1, _MOST_CONFLICTS + 1):
            try:
                dynamodb.transact_write_items(TransactItems=list(updates), **named)  # type: ignore[arg-type]
            except dynamodb.exceptions.TransactionCanceledException as error:
                if _CONDITION in _codes(error):
                    raise PositionMovedError("others have counted the same shard meanwhile") from error
                if attempt == _MOST_CONFLICTS or not _only_met_another(error):
                    raise
            else:
                return


def task_counters_id(task: str) -> str:
    """The id of a task's counters in the jobs table."""
    return f"counters#task#{task}"


def tenant_counters_id(tenant: str) -> str:
    """The id of a tenant's counters in the jobs table."""
    return f"counters#tenant#{tenant}"


def _by_state(counts: Mapping[str, Any]) -> dict[State, int]:
    """Of each state how many; a stream's shards may arrive out of step, so that a sum is below 0 for a moment."""
    return {state: max(0, int(counts.get(str(state), 0))) for state in State}


def _only_met_another(error: "ClientError") -> bool:
    codes = _codes(error)
    return bool(codes) and codes <= {"None", "TransactionConflict"}


def _codes(error: "ClientError") -> set[str]:
    response: Mapping[str, Any] = error.response
    return {reason.get("Code", "None") for reason in response.get("CancellationReasons", ())}
