"""Dashboards as pictures: what was measured is drawn, and nothing that a name holds breaks the drawing."""

import re
from typing import Any
from xml.etree import ElementTree as ET

from cli.dashboard_drawing import Line, Span, drawing_of

SPAN = Span(begins=0, ends=600, period_s=60)


def body(*, stacked: bool = False) -> dict[str, Any]:
    properties = {"title": "Queue", "stacked": stacked, "yAxis": {"left": {"label": "jobs"}}}
    return {
        "widgets": [
            {"type": "text", "x": 0, "y": 0, "width": 24, "height": 1, "properties": {"markdown": "### a <b> & c"}},
            {"type": "metric", "x": 0, "y": 1, "width": 12, "height": 5, "properties": properties},
        ]
    }


def texts(drawing: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(drawing).iter() if element.tag.endswith("text")]


def heights(drawing: str) -> list[float]:
    """The topmost point of each line, in the order of drawing."""
    found = re.findall(r"<polyline points='([^']+)'", drawing)
    return [min(float(point.split(",")[1]) for point in points.split()) for points in found]


def tops(drawing: str) -> list[float]:
    """The topmost edge of each area, in the order of drawing."""
    found = re.findall(r"<path d='([^']+)'", drawing)
    return [min(float(top) for top in re.findall(r"V([\d.]+)H", path)) for path in found]


def test_names_are_text_whatever_they_hold() -> None:
    drawing = drawing_of(body(), [[], [Line("<script>", [(0, 1.0), (60, 2.0)])]], SPAN)
    assert {"a <b> & c", "Queue, jobs", "<script>"} <= set(texts(drawing))


def test_a_graph_without_values_says_so() -> None:
    assert "nothing yet" in texts(drawing_of(body(), [[], [Line("a", [])]], SPAN))


def test_the_higher_line_is_drawn_higher() -> None:
    low, high = Line("low", [(0, 1.0), (60, 1.0)]), Line("high", [(0, 3.0), (60, 3.0)])
    of_high, of_low = heights(drawing_of(body(), [[], [low, high]], SPAN))
    assert of_high < of_low


def test_areas_stand_upon_one_another_also_where_one_has_no_value() -> None:
    one, other = Line("one", [(0, 2.0)]), Line("other", [(60, 2.0), (120, 2.0)])
    upper, lower = tops(drawing_of(body(stacked=True), [[], [one, other]], SPAN))
    assert upper == lower  # at different times, so that neither lifts the other
    upper, lower = tops(drawing_of(body(stacked=True), [[], [one, Line("other", [(0, 2.0)])]], SPAN))
    assert upper < lower


def test_more_names_than_there_is_room_for_are_counted() -> None:
    lines = [Line(f"a-task-with-a-long-name-{number}", [(0, 1.0)]) for number in range(20)]
    shown = texts(drawing_of(body(), [[], lines], SPAN))
    named = [text for text in shown if text.startswith("a-task")]
    assert f"+ {20 - len(named)}" in shown


def test_what_was_nothing_takes_no_room_from_what_was_something() -> None:
    nothing, something = Line("nothing", [(0, 0.0)]), Line("something", [(0, 1.0)])
    assert "nothing" not in texts(drawing_of(body(), [[], [nothing, something]], SPAN))
    assert "nothing" in texts(drawing_of(body(), [[], [nothing]], SPAN))
