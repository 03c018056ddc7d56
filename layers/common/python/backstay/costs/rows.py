"""Lines of the accounts as items of the jobs table: one item a line, found by month."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from backstay.budgets.budget import NOTHING, UNIT
from backstay.clock import epoch_ms
from backstay.costs.spending import Cell, Line, Spending, Spendings
from backstay.dynamodb import encode_item

KEPT = timedelta(days=800)
"""Two years and the month that began them."""

ALL, TENANT, TAG = "all#", "tenant#", "tag#"
"""How parts of everybody's lines begin, of tenants', and of tags'."""

_AMOUNTS = {one.name for one in fields(Spending) if one.default == NOTHING and isinstance(one.default, Decimal)}


def updates(table: str, added: Spendings) -> list[dict[str, Any]]:
    """What adds to the accounts: items of a transaction on the jobs table, the same for the same."""
    return [_update(table, line, spending) for line, spending in added.items()]


def month_id(day: date) -> str:
    """The id of the lines of a month."""
    return f"costs#{day:%Y-%m}"


def part_of(line: Line) -> str:
    """A line's part: of everybody by day, of tenants and tags by tenant and day."""
    if line.cell is None:
        return f"{TAG}{line.tenant}#{line.day:%d}#{line.tag}"
    cell = f"{line.cell.task}#{line.cell.provider}#{line.cell.operation}#{line.cell.model}"
    return f"{TENANT}{line.tenant}#{line.day:%d}#{cell}" if line.tenant else f"{ALL}{line.day:%d}#{cell}"


def from_item(item: Mapping[str, Any]) -> tuple[Line, Spending]:
    """A line and what it holds, from plain values."""
    kind, _, rest = item["part"].partition("#")
    tenant, rest = ("", rest) if f"{kind}#" == ALL else rest.split("#", 1)
    number, rest = rest.split("#", 1)
    day = date.fromisoformat(f"{item['id'].removeprefix('costs#')}-{number}")
    if f"{kind}#" == TAG:
        return Line(day, None, tenant, rest), _spending(item)
    return Line(day, Cell(*rest.split("#", 3)), tenant), _spending(item)


def _spending(item: Mapping[str, Any]) -> Spending:
    return Spending(**{name: UNIT * item[name] if name in _AMOUNTS else item[name] for name in _measures(item)})


def _measures(item: Mapping[str, Any]) -> Iterator[str]:
    return (one.name for one in fields(Spending) if one.name in item)


def _update(table: str, line: Line, spending: Spending) -> dict[str, Any]:
    measured = {one.name: getattr(spending, one.name) for one in fields(spending)}
    numbers = {name: int(value / UNIT) if name in _AMOUNTS else value for name, value in measured.items() if value}
    began = datetime(line.day.year, line.day.month, line.day.day, tzinfo=UTC)
    return {
        "Update": {
            "TableName": table,
            "Key": encode_item({"id": month_id(line.day), "part": part_of(line)}),
            "UpdateExpression": f"ADD {', '.join(f'{name} :{name}' for name in numbers)} SET #ttl = :ttl",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": encode_item(
                {f":{name}": value for name, value in numbers.items()} | {":ttl": epoch_ms(began + KEPT) // 1000}
            ),
        }
    }
