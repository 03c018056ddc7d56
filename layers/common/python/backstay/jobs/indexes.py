"""Indexes of the tables of jobs and of runs: entries in the order of time, merged from an index value's partitions."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from backstay import aws
from backstay.dynamodb import decode_item, encode_item


@dataclass(frozen=True, slots=True)
class Index:
    """An index and its two keys."""

    name: str
    key: str
    sort: str


BY_STATE = Index("by_state", "state_key", "state_at")
BY_BUDGET = Index("by_budget", "budget_key", "state_at")
BY_TENANT = Index("by_tenant", "tenant_key", "created_at")


@dataclass(frozen=True, slots=True)
class Entry:
    """One index entry: where a job stands in a list."""

    id: str
    position: str
    part: str
    """What stands there: a record, the head of a lane, or a message that is no job."""


def newest_first(
    table: str,
    index: Index,
    partitions: Sequence[str],
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int,
) -> list[Entry]:
    """The newest entries over several partitions of an index, after one position and before another."""
    return _merged(_Reading(table, index, limit, newest=True, after=after, before=before), partitions)


def oldest_first(
    table: str,
    index: Index,
    partitions: Sequence[str],
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int,
) -> list[Entry]:
    """The oldest entries over several partitions of an index, after one position and before another."""
    return _merged(_Reading(table, index, limit, newest=False, after=after, before=before), partitions)


def count(
    table: str,
    index: Index,
    partitions: Sequence[str],
    *,
    after: str | None = None,
    before: str | None = None,
    tenant: str | None = None,
    most: int,
) -> int:
    """How many entries several partitions have between two positions, of one tenant or of all; `most` at most."""
    reading = _Reading(table, index, most, newest=False, after=after, before=before)
    with ThreadPoolExecutor(max_workers=max(1, min(16, len(partitions)))) as threads:
        return min(most, sum(threads.map(partial(reading.count_of, tenant=tenant), partitions)))


@dataclass(frozen=True, slots=True)
class _Reading:
    table: str
    index: Index
    limit: int
    newest: bool
    after: str | None = None
    before: str | None = None

    def of(self, partition: str) -> list[Entry]:
        condition = self._condition(partition)
        if condition is None:
            return []
        answer = aws.dynamodb().query(**condition, ScanIndexForward=not self.newest, Limit=self.limit)
        items = map(decode_item, answer["Items"])
        return [Entry(item["id"], item[self.index.sort], item["part"]) for item in items]

    def count_of(self, partition: str, tenant: str | None) -> int:
        """Entries up to about the limit, counted by DynamoDB itself."""
        condition = self._condition(partition)
        if condition is None:
            return 0
        if tenant:
            condition["FilterExpression"] = "begins_with(id, :tenant)"
            condition["ExpressionAttributeValues"][":tenant"] = {"S": f"{tenant}."}
        count = 0
        for page in aws.dynamodb().get_paginator("query").paginate(**condition, Select="COUNT"):
            count += page["Count"]
            if count >= self.limit:
                break
        return count

    def _condition(self, partition: str) -> dict[str, Any] | None:
        """The query's own part; None where it can find nothing."""
        condition, values = "#key = :key", {":key": partition}
        names = {"#key": self.index.key}
        if self.after or self.before:
            # One condition may bound the sort key; a space sorts before whatever may follow a whole position.
            condition += " AND #sort BETWEEN :first AND :last"
            values[":first"] = f"{self.after} " if self.after else " "
            values[":last"] = _just_before(self.before) if self.before else "~"
            names["#sort"] = self.index.sort
            if values[":first"] > values[":last"]:
                return None  # DynamoDB refuses a range that ends before it begins
        return {
            "TableName": self.table,
            "IndexName": self.index.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": encode_item(values),
        }


def _merged(reading: _Reading, partitions: Sequence[str]) -> list[Entry]:
    with ThreadPoolExecutor(max_workers=max(1, min(16, len(partitions)))) as threads:
        entries = [entry for page in threads.map(reading.of, partitions) for entry in page]
    return sorted(entries, key=lambda entry: entry.position, reverse=reading.newest)[: reading.limit]


def _just_before(position: str) -> str:
    """The greatest text of printable characters below a position that is no longer than it needs to be."""
    return f"{position[:-1]}{chr(ord(position[-1]) - 1)}~"
