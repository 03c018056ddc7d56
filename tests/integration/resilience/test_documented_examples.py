"""The examples in docs/resilience.md do what the page says of them."""

import contextlib
import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backstay.errors import WorkError
from backstay.resilience.breaker import CircuitOpen
from backstay.resilience.deadline import DeadlineExceeded, deadline
from backstay.settings import Environment

PAGE = Path(__file__).parents[3] / "docs" / "resilience.md"


class OtherSide:
    """Answers what it is told to, or fails with it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Any = "an answer"
        self.failures: list[Exception] = []

    def fetch(self, what: str, timeout_s: float | None = None) -> Any:
        self.asked.append(what)
        if self.failures:
            raise self.failures.pop(0)
        return self.answer


@pytest.fixture
def other_side() -> OtherSide:
    return OtherSide()


@pytest.fixture
def page(cloud: Environment, other_side: OtherSide, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The names that all examples together define."""
    for name, value in dataclasses.asdict(cloud).items():
        monkeypatch.setenv(f"BACKSTAY_{name.upper()}", value)
    names: dict[str, Any] = {"fetch": other_side.fetch}
    for example in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        exec(compile(example, str(PAGE), "exec"), names)
    return SimpleNamespace(**names)


def refused(call: Callable[[], object]) -> WorkError:
    with pytest.raises(WorkError) as error:
        call()
    return error.value


def test_a_breaker_leaves_alone_what_has_failed_five_times(page, other_side):
    other_side.failures = [ConnectionError() for _ in range(5)]
    for _ in range(5):
        with pytest.raises(ConnectionError):
            page.rates_of("monday")
    assert isinstance(refused(lambda: page.rates_of("monday")), CircuitOpen)
    assert len(other_side.asked) == 5
    page.breaker.reset("exchange-rates")
    assert page.rates_of("monday") == "an answer"


def test_a_rate_gives_back_what_a_call_did_not_cost(page, other_side):
    other_side.answer = {"cost": 3}
    page.locate("a street")
    page.rate.take(tokens=79_000)  # more than was taken along, so that a lot is written
    assert page.rate.use().tokens == 79_000 + 3


def test_a_rate_is_kept(page, other_side):
    other_side.answer = {"cost": 3}
    for _ in range(40):
        page.locate("a street")
    assert 55 < (refused(lambda: page.locate("a street")).failure.retry_after_s or 0) < 65
    assert len(other_side.asked) == 40
    page.rate.take(priority="high")


def test_a_bulkhead_refuses_who_finds_no_seat(page):
    with page.seats.seat(), page.seats.seat():
        assert "'reports' is full" in str(refused(lambda: page.report_of("may")))
    assert page.report_of("may") == "an answer"


def test_a_fleet_s_bulkhead_refuses_who_finds_no_seat(page):
    with contextlib.ExitStack() as seats:
        for _ in range(20):
            seats.enter_context(page.fleet_seats.seat(lasts_s=30))
        assert "'invoices' is full: 20 calls" in str(refused(lambda: page.invoice_of("may")))
    assert page.invoice_of("may") == "an answer"


def test_a_deadline_inside_another_ends_with_it(page, other_side):
    assert page.totals_of(["may"]) == ["an answer"]
    with deadline(1e-9, "the report"), pytest.raises(TimeoutError, match="adding up the months took longer"):
        page.totals_of(["may"])
    assert issubclass(DeadlineExceeded, TimeoutError)
    assert len(other_side.asked) == 1


def test_a_lost_connection_is_tried_again_at_once_and_longer_waits_are_told(page, other_side):
    other_side.failures = [ConnectionError(), ConnectionError()]
    assert page.balance_of("acme") == "an answer"
    assert len(other_side.asked) == 3
    assert [page.wait_s_before(attempt, luck=1) for attempt in (2, 3, 6)] == [30, 60, None]


def test_what_has_run_is_not_run_again(page, other_side):
    other_side.failures = [ConnectionError()]
    with pytest.raises(ConnectionError):
        page.charge("acme", "7")
    assert page.charge("acme", "7") == page.charge("acme", "7") == "an answer"
    assert len(other_side.asked) == 2
