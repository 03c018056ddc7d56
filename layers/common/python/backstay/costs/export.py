"""The accounts line by line, as a table for other programs. Pure."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

from backstay.costs.spending import Line, Spending

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


@dataclass(frozen=True, slots=True)
class Row:
    """A day's spending of one tenant on one thing, or under one tag."""

    day: date
    tenant: str
    tag: str
    task: str
    provider: str
    operation: str
    model: str
    cost_usd: Decimal
    calls: int
    unpriced_calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    jobs: int
    cache_hits: int
    cache_saved_usd: Decimal
    lost_usd: Decimal


def rows(lines: Iterable[tuple[Line, Spending]]) -> Iterator[Row]:
    """A row a line. Jobs are those that made their first call there, so that they add up."""
    for line, spending in lines:
        cell = line.cell
        yield Row(
            day=line.day,
            tenant=line.tenant,
            tag=line.tag,
            task=cell.task if cell else "",
            provider=cell.provider if cell else "",
            operation=cell.operation if cell else "",
            model=cell.model if cell else "",
            cost_usd=spending.cost_usd,
            calls=spending.calls,
            unpriced_calls=spending.unpriced,
            input_tokens=spending.input_tokens,
            output_tokens=spending.output_tokens,
            cached_tokens=spending.cached_tokens,
            cache_write_tokens=spending.cache_write_tokens,
            jobs=spending.jobs,
            cache_hits=spending.hits,
            cache_saved_usd=spending.saved_usd,
            lost_usd=spending.lost_usd,
        )


def to_csv(table: Iterable[Row]) -> str:
    """Comma-separated, with a head; nothing in it is a formula to a spreadsheet, whatever tenants call their tags."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = [field.name for field in fields(Row)]
    writer.writerow(names)
    for row in table:
        writer.writerow([_harmless(getattr(row, name)) for name in names])
    return text.getvalue()


def _harmless(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
