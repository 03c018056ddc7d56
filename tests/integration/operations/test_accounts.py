"""The accounts in the jobs table: written by the stream's function, read by day, month and year."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from backstay import aws
from backstay.clock import utc_now
from backstay.costs.book import CostBook
from backstay.costs.rows import updates
from backstay.costs.spending import Line, Spending, spendings
from backstay.jobs.counter_store import CounterStore
from backstay.jobs.counters import Deltas
from backstay.jobs.record import JobRecord, State
from backstay.live.telling import Teller
from backstay.settings import Environment
from follow_changes import handler as follow_changes
from follow_changes.counting import Counting
from tests.unit.costs.streams import a_call, a_job, claimed, completed, told


@pytest.fixture
def book(cloud: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[CostBook]:
    counting = Counting(cloud.jobs_table)
    monkeypatch.setattr(follow_changes, "_counting", lambda: counting)
    monkeypatch.setattr(follow_changes, "_teller", lambda: Teller(cloud))
    return CostBook(cloud.jobs_table)


def spend(day: date, usd: str, number: int, tenant: str = "acme", tag: str = "news") -> None:
    """A job that costs so much on a day, told by the stream."""
    job = a_job(number, tenant, tags=[tag])
    at = datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC)
    records = told(None, job, claimed(job), completed(job, a_call(usd), at=at))
    follow_changes.handler({"Records": records}, None)


def cost(lines: list[tuple[Line, Spending]]) -> Decimal:
    return sum((spending.cost_usd for _, spending in lines), Decimal(0))


def test_the_stream_s_function_counts_jobs_and_what_they_cost_in_one_transaction(
    book: CostBook, cloud: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    real = aws.dynamodb().transact_write_items
    monkeypatch.setattr(aws.dynamodb(), "transact_write_items", lambda **r: (asked.append(r), real(**r))[1])
    spend(date(2026, 11, 25), "0.25", 1)
    day = date(2026, 11, 25)
    assert cost(book.of_everybody(day, day)) == Decimal("0.25")
    assert CounterStore(cloud.jobs_table).read_task("obey", utc_now()).totals[State.COMPLETED] == 1
    spend(date(2026, 11, 25), "0.25", 1)
    assert len(asked) == 2
    assert asked[0] == asked[1]  # moto does not know the token; DynamoDB takes the same under one token once


def test_any_days_are_read_and_no_others(book: CostBook) -> None:
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 9), date(2026, 1, 10), date(2026, 2, 1)]
    for number, day in enumerate(days):
        spend(day, f"0.{number + 1}", number)
    for first, last, usd in (
        (days[0], days[4], "1.5"),
        (days[1], days[3], "0.9"),
        (days[3], days[3], "0.4"),
        (date(2026, 1, 2), date(2026, 1, 8), "0"),
        (date(2026, 1, 31), date(2026, 2, 28), "0.5"),
    ):
        for lines in (
            book.of_everybody(first, last),
            book.of_tenant("acme", first, last),
            book.by_tenant(first, last),
            book.by_tag("acme", first, last),
            book.by_tag(None, first, last),
        ):
            assert cost(lines) == Decimal(usd)
            assert [line.day for line, _ in lines] == [day for day in days if first <= day <= last]


def test_a_tenant_s_lines_are_its_own_whatever_its_neighbours_are_called(book: CostBook) -> None:
    day = date(2026, 11, 25)
    spend(day, "0.1", 1, "acme")
    spend(day, "0.2", 2, "acme-2")
    assert cost(book.of_tenant("acme", day, day)) == Decimal("0.1")
    assert cost(book.by_tag("acme", day, day)) == Decimal("0.1")
    assert {line.tenant for line, _ in book.by_tenant(day, day)} == {"acme", "acme-2"}


def test_a_tenant_that_is_forgotten_leaves_its_spending_to_everybody_s_lines(book: CostBook) -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    days = [now.date() - timedelta(days=ago) for ago in (0, 40, 700)]
    for number, day in enumerate(days):
        spend(day, "0.1", number, "acme")
        spend(day, "0.2", number + 10, "acme-2")
    book.forget_tenant("acme", now)
    assert cost(book.by_tag("acme", days[-1], days[0])) == 0
    assert cost(book.of_tenant("acme", days[-1], days[0])) == 0
    assert cost(book.of_tenant("acme-2", days[-1], days[0])) == Decimal("0.6")
    assert cost(book.of_everybody(days[-1], days[0])) == Decimal("0.9")


def test_more_lines_than_a_transaction_holds_and_a_page_shows_are_written_and_read(
    book: CostBook, cloud: Environment
) -> None:
    jobs: list[JobRecord] = [a_job(number, f"tenant-{number}", tags=["x" * 60]) for number in range(120)]
    day = date(2026, 11, 25)
    at = datetime(2026, 11, 25, 12, tzinfo=UTC)
    records = [record for job in jobs for record in told(job, completed(job, a_call("0.01"), at=at))]
    added = updates(cloud.jobs_table, spendings(records))
    CounterStore(cloud.jobs_table).add(Deltas(), ["batch"], added)
    assert len(added) == 241
    assert cost(book.by_tenant(day, day)) == cost(book.by_tag(None, day, day)) == Decimal("1.20")
