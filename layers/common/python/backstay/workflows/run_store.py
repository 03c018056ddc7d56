"""The runs in the workflows table: every write conditional on what was read, and counted in the same transaction."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from backstay import aws
from backstay.clock import epoch_ms
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import BackstayError
from backstay.jobs import keys
from backstay.transactions import Transactions, UnmetError, Write
from backstay.workflows.news import tell_what_is_over
from backstay.workflows.run import RunRecord
from backstay.workflows.run_items import RUN_PART, from_item, to_item
from backstay.workflows.run_statistics import SagaNumbers, difference, numbers_of

_MOST_ROUNDS = 10
_SHARD = "shard#"


class StaleRunError(BackstayError):
    """Somebody else has changed the run since it was read; nothing was written."""


class RunStore:
    """Reads and writes of runs by id.

    A saga's statistics are items of their own, one for each shard of runs, so that transactions seldom meet there.
    """

    def __init__(self, table: str) -> None:
        self._table = table
        self._transactions = Transactions(table)

    def create(self, record: RunRecord, beside: Mapping[str, Any]) -> RunRecord | None:
        """Write a new run's record and another item of the run; answers the run that was there already, if any."""
        writes = [
            self._transactions.put(to_item(record), "attribute_not_exists(id)"),
            self._transactions.put(beside),
            *self._counted(None, record),
        ]
        try:
            self._transactions.commit(writes)
        except UnmetError as error:
            return from_item(error.items[0])
        return None

    def get(self, run_id: str) -> RunRecord | None:
        """A run's record, read consistently, or None."""
        item = self.get_part(run_id, RUN_PART)
        return from_item(item) if item else None

    def get_part(self, run_id: str, part: str) -> dict[str, Any] | None:
        """Any item of a run as plain values, or None."""
        answer = aws.dynamodb().get_item(
            TableName=self._table, Key=encode_item({"id": run_id, "part": part}), ConsistentRead=True
        )
        return decode_item(answer["Item"]) if "Item" in answer else None

    def get_parts(self, run_id: str, first: str, last: str) -> dict[str, dict[str, Any]]:
        """A run's items between two parts, by part."""
        pages = aws.dynamodb().get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="id = :id AND part BETWEEN :first AND :last",
            ExpressionAttributeValues=encode_item({":id": run_id, ":first": first, ":last": last}),
            ConsistentRead=True,
        )  # fmt: skip
        return {item["part"]: item for page in pages for item in map(decode_item, page["Items"])}

    def get_many(self, run_ids: Iterable[str]) -> list[RunRecord]:
        """Records in the order of the ids; those that are gone are left out. At most 100."""
        wanted = list(dict.fromkeys(run_ids))
        found: dict[str, RunRecord] = {}
        request: dict[str, Any] = {
            self._table: {"Keys": [encode_item({"id": an_id, "part": RUN_PART}) for an_id in wanted]}
        }
        while wanted and request:
            answer = aws.dynamodb().batch_get_item(RequestItems=request)
            for item in map(decode_item, answer["Responses"].get(self._table, ())):
                found[item["id"]] = from_item(item)
            request = dict(answer.get("UnprocessedKeys", {}))
        return [found[an_id] for an_id in wanted if an_id in found]

    def save(self, old: RunRecord, new: RunRecord, *beside: Write) -> RunRecord:
        """Write what changed, if the run is still as `old` says.

        Args:
            old: as it was read.
            new: as it is to be.
            beside: what else is written with it, or not at all.

        Raises:
            StaleRunError: it is not.
        """
        if new == old and not beside:
            return old
        written = replace(new, version=old.version + 1)
        put = self._transactions.put(to_item(written), "version = :was", {":was": old.version})
        try:
            self._transactions.commit([put, *self._counted(old, written), *beside])
        except UnmetError as error:
            if 0 not in error.items:
                raise
            raise StaleRunError(f"run {old.id} is no longer as it was read") from error
        tell_what_is_over(old, written)
        return written

    def change(self, run_id: str, move: Callable[[RunRecord], RunRecord]) -> RunRecord | None:
        """Make a move, again from what there is where somebody else was faster; None where there is no such run.

        Raises:
            StaleRunError: others keep changing it.
            Exception: what the move raises.
        """
        for _ in range(_MOST_ROUNDS):
            record = self.get(run_id)
            if record is None:
                return None
            try:
                return self.save(record, move(record))
            except StaleRunError:
                continue
        raise StaleRunError(f"run {run_id} keeps changing; try again")

    def let_parts_expire(self, run_id: str, expires_at: datetime | None) -> None:
        """Let everything of a run but its record go at a moment; None: not while the run goes on."""
        ttl = epoch_ms(expires_at) // 1000 if expires_at else None
        for part, item in self.get_parts(run_id, " ", "~").items():
            if part != RUN_PART and item.get("ttl") != ttl:
                self._set_ttl(run_id, part, ttl)

    def _set_ttl(self, run_id: str, part: str, ttl: int | None) -> None:
        dynamodb = aws.dynamodb()
        values: dict[str, Any] = {} if ttl is None else {"ExpressionAttributeValues": encode_item({":ttl": ttl})}
        try:
            dynamodb.update_item(
                TableName=self._table,
                Key=encode_item({"id": run_id, "part": part}),
                UpdateExpression="REMOVE #ttl" if ttl is None else "SET #ttl = :ttl",
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeNames={"#ttl": "ttl"},
                **values,
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return  # it was released or handed over meanwhile

    def numbers(self, saga: str, tenant: str | None = None) -> SagaNumbers:
        """A saga's statistics, of all tenants or of one: one query, however many runs there are."""
        an_id, prefix = _place(saga, tenant)
        parts = self.get_parts(an_id, prefix, f"{prefix}~")
        counts: dict[str, int] = {}
        for item in parts.values():
            for name, count in item.items():
                if isinstance(count, int):
                    counts[name] = counts.get(name, 0) + count
        return numbers_of(counts)

    def forget_tenant(self, tenant: str) -> None:
        """Delete a tenant's statistics; what it did stays in its sagas'."""
        self.delete_all(_statistics_id_of(tenant))

    def delete_all(self, an_id: str) -> int:
        """Delete every item of an id, a run's record last, so that what dies between is taken up again.

        Answers how many there were.
        """
        parts = sorted(self.get_parts(an_id, " ", "~"), key=lambda part: part == RUN_PART)
        for part in parts:
            aws.dynamodb().delete_item(TableName=self._table, Key=encode_item({"id": an_id, "part": part}))
        return len(parts)

    def _counted(self, old: RunRecord | None, new: RunRecord) -> list[Write]:
        if not (changes := difference(old, new)):
            return []
        shard = keys.shard_of(new.id)
        places = (_place(new.saga), _place(new.saga, new.tenant))
        return [self._transactions.add(an_id, f"{prefix}{shard}", changes) for an_id, prefix in places]


def _place(saga: str, tenant: str | None = None) -> tuple[str, str]:
    """Where statistics stand: the id, and what their parts begin with."""
    return (_statistics_id_of(tenant), f"{saga}#") if tenant else (f"stats#{saga}", _SHARD)


def _statistics_id_of(tenant: str) -> str:
    return f"{tenant}.stats"
