"""The accounts as they stand: lines by day, of everybody, of tenants or of tags."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

from backstay import aws
from backstay.costs.rows import ALL, KEPT, TAG, TENANT, from_item, month_id
from backstay.costs.spending import Line, Spending
from backstay.dynamodb import decode_item, encode_item

_THREADS = 12
_AFTER = "$"  # sorts behind "#", which ends a day's number


class CostBook:
    """Reads the accounts in the jobs table. A month is one query, whatever was spent in it."""

    def __init__(self, table: str) -> None:
        self._table = table

    def of_everybody(self, first: date, last: date) -> list[tuple[Line, Spending]]:
        """Everybody's lines of some days, both of them counted, in the order of time."""
        return self._between(ALL, first, last)

    def of(self, tenant: str | None, first: date, last: date) -> list[tuple[Line, Spending]]:
        """One tenant's, or everybody's."""
        return self.of_tenant(tenant, first, last) if tenant else self.of_everybody(first, last)

    def of_tenant(self, tenant: str, first: date, last: date) -> list[tuple[Line, Spending]]:
        """One tenant's."""
        return self._between(f"{TENANT}{tenant}#", first, last)

    def by_tenant(self, first: date, last: date) -> list[tuple[Line, Spending]]:
        """Every tenant's. Reads a month for a day of it."""
        return _within(self._beginning(TENANT, first, last), first, last)

    def by_tag(self, tenant: str | None, first: date, last: date) -> list[tuple[Line, Spending]]:
        """Tags' lines, of one tenant's jobs or of all."""
        if tenant:
            return self._between(f"{TAG}{tenant}#", first, last)
        return _within(self._beginning(TAG, first, last), first, last)

    def forget_tenant(self, tenant: str, now: datetime) -> None:
        """Delete a tenant's lines; what it spent stays in everybody's."""
        for month in _months(now.date() - KEPT, now.date()):
            for prefix in (f"{TENANT}{tenant}#", f"{TAG}{tenant}#"):
                for item in self._query(month_id(month), prefix, prefix + "\U0010ffff"):
                    key = encode_item({name: item[name] for name in ("id", "part")})
                    aws.dynamodb().delete_item(TableName=self._table, Key=key)

    def _between(self, prefix: str, first: date, last: date) -> list[tuple[Line, Spending]]:
        return self._read(
            [
                (month, f"{prefix}{max(first, month):%d}#", f"{prefix}{min(last, _end(month)):%d}{_AFTER}")
                for month in _months(first, last)
            ]
        )

    def _beginning(self, prefix: str, first: date, last: date) -> list[tuple[Line, Spending]]:
        return self._read([(month, prefix, prefix + "\U0010ffff") for month in _months(first, last)])

    def _read(self, ranges: list[tuple[date, str, str]]) -> list[tuple[Line, Spending]]:
        with ThreadPoolExecutor(max_workers=_THREADS) as threads:
            months = threads.map(lambda one: list(self._query(month_id(one[0]), one[1], one[2])), ranges)
            return [from_item(item) for month in months for item in month]

    def _query(self, an_id: str, first: str, last: str) -> Iterator[dict[str, object]]:
        pages = aws.dynamodb().get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="id = :id AND part BETWEEN :first AND :last",
            ExpressionAttributeValues=encode_item({":id": an_id, ":first": first, ":last": last}),
        )  # fmt: skip
        for page in pages:
            yield from map(decode_item, page["Items"])


def _within(lines: list[tuple[Line, Spending]], first: date, last: date) -> list[tuple[Line, Spending]]:
    return [(line, spending) for line, spending in lines if first <= line.day <= last]


def _months(first: date, last: date) -> list[date]:
    """The first day of each month that has one of these days."""
    months = [first.replace(day=1)]
    while (following := _end(months[-1]) + timedelta(days=1)) <= last:
        months.append(following)
    return months


def _end(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1) - timedelta(days=1)
