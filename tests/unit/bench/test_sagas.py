"""What is counted of a saga, with lines and histories that can be counted by hand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.declarations import BOUND, declared_lines, figure
from bench.figures import Verdict
from bench.saga_steps import largest_state, ratio_of, step_times_ms

_FILE = '''"""A saga.

It does something.
"""

from somewhere import (
    Saga,
    Step,
)

# What it is for.
saga = Saga(
    "it",
    (Step("one", "do-it", {}),),
)


def other() -> None:
    """Nothing."""
    return None
'''
_BEGIN = datetime(2026, 11, 25, 8, tzinfo=UTC)


def history(*events: tuple[str, str, float, str]) -> list[dict[str, Any]]:
    """Events of states: entered or exited, name, milliseconds since the beginning, data."""
    return [
        {
            "id": number,
            "timestamp": _BEGIN + timedelta(milliseconds=ms),
            f"state{kind.capitalize()}EventDetails": {"name": name, "input" if kind == "entered" else "output": data},
        }
        for number, (kind, name, ms, data) in enumerate(events)
    ]


def test_only_lines_that_declare_something_are_counted(tmp_path: Path) -> None:
    (file := tmp_path / "it.py").write_text(_FILE)
    assert declared_lines(file) == 4 + 2


def test_the_apps_own_saga_of_four_steps_keeps_its_bound() -> None:
    lines = figure()
    assert (lines.verdict, lines.at_most) == (Verdict.MET, BOUND)
    whole, machine = lines.parts
    assert lines.value < whole.value < machine.value


def test_a_steps_time_is_that_of_its_state_without_its_gate() -> None:
    events = history(
        ("entered", "one?", 0, "{}"),
        ("exited", "one?", 5, "{}"),
        ("entered", "one", 10, "{}"),
        ("exited", "one", 110, '{"steps": "é"}'),
        ("entered", "two", 115, "{}"),
        ("exited", "two", 165, "{}"),
    )
    assert step_times_ms(events) == pytest.approx([100, 50])
    assert largest_state(events).value == pytest.approx(15 / 1000), "bytes of UTF-8"


def test_the_ratio_is_the_median_of_rounds_and_no_single_slow_one_tells() -> None:
    rounds = [([10, 30, 20], [10, 10, 10]), ([15, 15, 15], [10, 10, 10]), ([900, 900, 900], [10, 10, 10])]
    figure = ratio_of(rounds)
    assert figure.value == pytest.approx(2)
    assert figure.verdict is Verdict.MET
