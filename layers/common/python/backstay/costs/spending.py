"""What the jobs table's stream says was spent, pure: each call of a receipt once, on the day that its run ended."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from backstay.budgets.budget import NOTHING, exact
from backstay.clock import from_epoch_ms
from backstay.dynamodb import decode
from backstay.errors import ErrorClass
from backstay.jobs import keys
from backstay.jobs.items import STATE_PART, calls_from_item
from backstay.jobs.record import State
from backstay.receipt import Call

COMPLETION = "completion"
"""The operation of a call to a model."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What money was spent on, as finely as it is kept."""

    task: str
    provider: str
    operation: str
    model: str
    """Empty for a provider that has no models."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What calls came to. Spendings add up."""

    cost_usd: Decimal = NOTHING
    calls: int = 0
    """Answered by a provider, and paid for."""
    unpriced: int = 0
    """Calls among them that nobody has priced."""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Of the input, read from the provider's cache."""
    cache_write_tokens: int = 0
    jobs: int = 0
    """Jobs that made their first call here."""
    provider_jobs: int = 0
    """Jobs that first called this provider here, and so on: of cells with one provider, these add up to its jobs."""
    operation_jobs: int = 0
    model_jobs: int = 0
    hits: int = 0
    """Questions that were answered from the cache, for nothing."""
    saved_usd: Decimal = NOTHING
    """What those answers had cost when they were first given."""
    lost_usd: Decimal = NOTHING
    """Paid in runs that failed, less what later runs that succeeded made use of."""

    def __add__(self, other: "Spending") -> "Spending":
        return Spending(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the accounts: a day's spending on one thing, by everybody, by a tenant, or under a tenant's tag."""

    day: date
    """In UTC."""
    cell: Cell | None
    """None for a tag, whose line holds all of it."""
    tenant: str = ""
    tag: str = ""


Spendings: TypeAlias = Mapping[Line, Spending]


def spendings(records: Iterable[Mapping[str, Any]]) -> Spendings:
    """What a batch of stream records adds to the accounts.

    Args:
        records: as a Lambda receives them, with old and new images. Other items than jobs' records add nothing.
    """
    added: dict[Line, Spending] = defaultdict(Spending)
    for record in records:
        for line, spending in _of_record(record["dynamodb"]):
            added[line] += spending
    return {line: spending for line, spending in added.items() if spending != Spending()}


def spendings_of_usage(call: Call, tenant: str, task: str, tags: Sequence[str], at: datetime) -> Spendings:
    """What a call adds that was made elsewhere, in no job of Backstay's."""
    return dict(_lines(_Made(task, tenant, tuple(tags), at.astimezone(UTC).date()), {_cell(task, call): _paid(call)}))


@dataclass(frozen=True, slots=True)
class _Made:
    """Who made calls, and when."""

    task: str
    tenant: str
    tags: tuple[str, ...]
    day: date


def _of_record(change: Mapping[str, Any]) -> Iterator[tuple[Line, Spending]]:
    new = change.get("NewImage")
    if new is None or new["part"]["S"] != STATE_PART or "receipt" not in new:
        return
    earlier, calls = _calls(change.get("OldImage")), _calls(new)
    if len(calls) == len(earlier):
        return
    tags = tuple(dict.fromkeys(decode(new["tags"]))) if "tags" in new else ()
    day = from_epoch_ms(int(new["changed_at"]["N"])).date()
    made = _Made(new["task"]["S"], keys.tenant_of(new["id"]["S"]), tags, day)
    yield from _lines(made, _of_run(made.task, earlier, calls[len(earlier) :], succeeded=_succeeded(new)))


def _calls(image: Mapping[str, Any] | None) -> tuple[Call, ...]:
    return calls_from_item(decode(image["receipt"])) if image and "receipt" in image else ()


def _succeeded(image: Mapping[str, Any]) -> bool:
    """Whether the run brought its job to its end, or a portion further."""
    reason = image["reason"]["S"] if "reason" in image else None
    return image["state"]["S"] == State.COMPLETED or reason == ErrorClass.IN_PORTIONS


def _of_run(task: str, earlier: Sequence[Call], calls: Sequence[Call], *, succeeded: bool) -> Mapping[Cell, Spending]:
    """What one run of a job adds: calls are appended to its receipt when it ends, whatever its end."""
    seen = _Seen(task, earlier)
    cells: dict[Cell, Spending] = defaultdict(Spending)
    for call in calls:
        cell, cost_usd = _cell(task, call), exact(call.cost_usd or NOTHING)
        if call.replayed:
            cells[cell] += Spending(lost_usd=-cost_usd if succeeded else NOTHING)
            continue
        lost = NOTHING if succeeded else cost_usd
        cells[cell] += _paid(call) + Spending(lost_usd=lost) + seen.first_time(cell)
    return cells


def _paid(call: Call) -> Spending:
    if call.cached:
        return Spending(hits=1, saved_usd=exact(call.saved_usd))
    return Spending(
        cost_usd=exact(call.cost_usd or NOTHING),
        calls=1,
        unpriced=int(call.cost_usd is None),
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        cached_tokens=call.cached_tokens,
        cache_write_tokens=call.cache_write_tokens,
    )


class _Seen:
    """Where a job has made calls so far, so that it is counted once wherever it did."""

    def __init__(self, task: str, calls: Iterable[Call]) -> None:
        self._seen: set[tuple[str, ...]] = set()
        for call in calls:
            self.first_time(_cell(task, call))

    def first_time(self, cell: Cell) -> Spending:
        return Spending(
            jobs=self._note("job"),
            provider_jobs=self._note("provider", cell.provider),
            operation_jobs=self._note("operation", cell.operation),
            model_jobs=self._note("model", cell.provider, cell.model),
        )

    def _note(self, *place: str) -> int:
        is_new = place not in self._seen
        self._seen.add(place)
        return int(is_new)


def _cell(task: str, call: Call) -> Cell:
    return Cell(task, call.provider, call.operation or COMPLETION, call.model)


def _lines(made: _Made, cells: Mapping[Cell, Spending]) -> Iterator[tuple[Line, Spending]]:
    for cell, spending in cells.items():
        yield Line(made.day, cell), spending
        yield Line(made.day, cell, made.tenant), spending
        for tag in made.tags:
            yield Line(made.day, None, made.tenant, tag), spending
