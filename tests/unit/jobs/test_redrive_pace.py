"""How a redrive keeps its pace."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from redrive_dead_letters.pace import (
    Moved,
    Progress,
    allowance,
    next_portion_in,
    period_s,
    read_progress,
    write_progress,
)
from redrive_dead_letters.task import Redrive

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@given(st.floats(0.1, 100), st.lists(st.floats(0, 100), max_size=30))
def test_never_more_than_the_pace_whenever_portions_come(per_second, gaps):
    moved, began, last = 0, NOW, None
    now = NOW
    for gap in gaps:
        may = allowance(per_second, last, now)
        if may:
            moved, last = moved + may, now
        elapsed = (now - began).total_seconds()
        assert moved <= per_second * (elapsed + period_s(per_second)) + 1
        now += timedelta(seconds=gap)


@given(st.floats(0.1, 100))
def test_every_portion_that_comes_on_time_moves_something(per_second):
    wait_s = next_portion_in(per_second, NOW, NOW)
    assert allowance(per_second, None, NOW) >= 1
    assert allowance(per_second, NOW, NOW + timedelta(seconds=wait_s)) >= 1


def test_a_portion_that_comes_late_makes_up_for_one_but_not_for_more():
    assert allowance(10, NOW, NOW + timedelta(hours=3)) == 200


def test_progress_survives_being_written():
    progress = Progress("2026-11-25T12:00:00.000Z", 7, "x", moved=2, under_way=(("a.b", 1),), position="p")
    assert read_progress(write_progress(progress)) == progress


def test_outcomes_are_counted_one_by_one():
    progress = Progress("u", 4, "x", under_way=(("a", 1),)).with_outcomes([Moved.MOVED, Moved.FAILED, Moved.MOVED])
    assert (progress.moved, progress.skipped, progress.failed, progress.under_way) == (2, 0, 1, ())
    assert progress.note == "moved 2, skipped 0, failed 1; about 1 to go"


@pytest.mark.parametrize("wrong", [{}, {"all": True, "task": "obey"}, {"all": True, "ids": ["x"]}, {"per_second": 5}])
def test_a_redrive_must_choose_in_one_way(wrong):
    with pytest.raises(ValidationError):
        Redrive(**wrong)
