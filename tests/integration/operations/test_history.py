"""Hours and days, summed up from minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from backstay.clock import iso
from backstay.jobs.counter_store import CounterStore
from backstay.jobs.counters import Deltas, Minute, Times
from backstay.jobs.history import Ended, History, Range, all_of
from backstay.jobs.record import State
from backstay.settings import Environment

NOW = datetime(2026, 11, 25, 2, 40, 30, tzinfo=UTC)


class Hands:
    """A clock that stands still until a test moves it, and minutes as the stream would count them."""

    def __init__(self, table: str) -> None:
        self.now, self._counters, self._batch = NOW, CounterStore(table), 0
        self.history = History(table, lambda: self.now)

    def ended(self, ago: timedelta, completed: int, failed: int = 0, run_ms: int = 0) -> None:
        self._batch += 1
        minute = Minute("obey", iso(self.now - ago)[:16])
        times = Times(runs=completed + failed, run_ms=run_ms, ended=completed + failed)
        states = {state: n for state, n in ((State.COMPLETED, completed), (State.FAILED, failed)) if n}
        self._counters.add(Deltas(minutes={minute: states}, minute_times={minute: times}), [str(self._batch)])

    def read(self, wanted: Range) -> dict[str, Ended]:
        return {iso(at): ended for at, ended in self.history.read("obey", wanted).items()}


@pytest.fixture
def hands(cloud: Environment) -> Hands:
    return Hands(cloud.jobs_table)


def test_minutes_become_hours_and_hours_days(hands: Hands) -> None:
    hands.ended(timedelta(minutes=1), completed=2, failed=1, run_ms=900)
    hands.ended(timedelta(minutes=5), completed=1)
    hands.ended(timedelta(hours=1), completed=4)
    hands.ended(timedelta(hours=3), completed=8)  # yesterday
    hands.history.sum_up("obey")
    assert {at: (of.completed, of.failed) for at, of in hands.read(Range.DAY).items()} == {
        "2026-11-24T23:00:00.000Z": (8, 0),
        "2026-11-25T01:00:00.000Z": (4, 0),
        "2026-11-25T02:00:00.000Z": (3, 1),
    }
    assert {at: of.completed for at, of in hands.read(Range.MONTH).items()} == {
        "2026-11-24T00:00:00.000Z": 8,
        "2026-11-25T00:00:00.000Z": 7,
    }
    assert hands.read(Range.DAY)["2026-11-25T02:00:00.000Z"].times == Times(runs=4, run_ms=900, ended=4)
    assert hands.read(Range.WEEK) == hands.read(Range.DAY)


def test_summing_up_again_changes_nothing_and_what_comes_late_is_added(hands: Hands) -> None:
    hands.ended(timedelta(minutes=70), completed=1)
    hands.history.sum_up("obey")
    hands.history.sum_up("obey")
    assert [of.completed for of in hands.read(Range.DAY).values()] == [1]
    hands.ended(timedelta(minutes=75), completed=2)
    hands.history.sum_up("obey")
    assert [of.completed for of in hands.read(Range.DAY).values()] == [3]
    assert [of.completed for of in hands.read(Range.YEAR).values()] == [3]


def test_an_hour_whose_minutes_may_be_gone_stays_as_it_was(hands: Hands) -> None:
    hands.ended(timedelta(minutes=1), completed=5)
    hands.history.sum_up("obey")
    hands.ended(timedelta(minutes=1), completed=1)
    hands.now += timedelta(hours=4, minutes=30)
    hands.history.sum_up("obey")
    assert [of.completed for of in hands.read(Range.DAY).values()] == [5]


def test_a_sweep_that_was_down_for_three_hours_makes_up_for_it(hands: Hands) -> None:
    hands.ended(timedelta(minutes=1), completed=5)
    hands.now += timedelta(hours=3)
    hands.history.sum_up("obey")
    assert [of.completed for of in hands.read(Range.DAY).values()] == [5]


def test_a_task_in_which_nothing_ended_has_no_hours(hands: Hands) -> None:
    hands.history.sum_up("obey")
    assert hands.read(Range.YEAR) == {}


@pytest.mark.parametrize(("wanted", "points"), [("hour", 60), ("day", 24), ("week", 168), ("month", 30), ("year", 366)])
def test_a_range_has_all_of_its_steps_whatever_happened(wanted: str, points: int) -> None:
    at = NOW.replace(second=0)
    shown = list(all_of(Range(wanted), NOW, [{at: Ended(completed=1)}, {at: Ended(completed=2)}]))
    assert len(shown) == points
    assert [moment for moment, _ in shown] == sorted(moment for moment, _ in shown)
    assert shown[-1][0] <= NOW
    assert sum(ended.completed for _, ended in shown) == (3 if wanted == "hour" else 0)
