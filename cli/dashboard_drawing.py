"""A CloudWatch dashboard as a picture, for where there is no console: SVG, drawn by hand. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

_CELL_X, _CELL_Y, _GAP = 50, 36, 6
_LEFT, _TOP, _RIGHT, _BOTTOM = 48, 26, 8, 30
"""What a graph's frame leaves to its axes, title and legend, in pixels."""
_COLORS = ("#0b5d7a", "#b3541e", "#10633a", "#6b3fa0", "#a01c22", "#8a6d00", "#2b7de9", "#5f6b73", "#c2437f", "#3f8f8f")
_FONT = "font-family='system-ui,sans-serif'"
_IN_LEGEND = 6
_LETTER_PX, _MORE_PX = 5.6, 20

Point = tuple[float, float]
"""Seconds since 1970, and a value."""


@dataclass(frozen=True, slots=True)
class Line:
    """What was measured of one series."""

    label: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is shown, in seconds since 1970."""

    begins: float
    ends: float
    period_s: int


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a graph's lines lie."""

    x: float
    y: float
    width: float
    height: float
    span: Span
    most: float

    def at(self, point: Point) -> str:
        """A point in pixels."""
        across = (point[0] - self.span.begins) / (self.span.ends - self.span.begins)
        return f"{self.x + across * self.width:.1f},{self.y + self.height * (1 - point[1] / self.most):.1f}"


def drawing_of(body: Mapping[str, Any], lines: Sequence[Sequence[Line]], span: Span) -> str:
    """A dashboard.

    Args:
        body: as CloudWatch's GetDashboard answers it.
        lines: for each of its widgets what was measured, in the order of its metrics.
        span: the time that is shown.
    """
    widgets = body["widgets"]
    width = max(widget["x"] + widget["width"] for widget in widgets) * _CELL_X
    height = max(widget["y"] + widget["height"] for widget in widgets) * _CELL_Y
    parts = [f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' {_FONT} font-size='10'>"]
    parts.append(f"<rect width='{width}' height='{height}' fill='#f6f8f9'/>")
    for widget, measured in zip(widgets, lines, strict=True):
        parts += _heading(widget) if widget["type"] == "text" else _graph(widget, measured, span)
    return "\n".join([*parts, "</svg>\n"])


def _heading(widget: Mapping[str, Any]) -> Iterator[str]:
    text = widget["properties"]["markdown"].lstrip("# ")
    y = (widget["y"] + widget["height"]) * _CELL_Y - _GAP - 4
    yield _text(_GAP, y, text, "font-size='15' font-weight='600' fill='#16232b'")


def _graph(widget: Mapping[str, Any], lines: Sequence[Line], span: Span) -> Iterator[str]:
    x, y = widget["x"] * _CELL_X + _GAP / 2, widget["y"] * _CELL_Y + _GAP / 2
    width, height = widget["width"] * _CELL_X - _GAP, widget["height"] * _CELL_Y - _GAP
    properties = widget["properties"]
    yield f"<rect x='{x}' y='{y}' width='{width}' height='{height}' rx='4' fill='#fff' stroke='#d5dde2'/>"
    unit = properties["yAxis"]["left"].get("label", "")
    title = properties["title"] + (f", {unit}" if unit and unit != properties["title"].lower() else "")
    yield _text(x + 8, y + 16, title, "font-weight='600' fill='#16232b'")
    shown = _worth_showing(lines)
    stacked = _stacked(shown) if properties["stacked"] else shown
    most = max((value for line in stacked for _, value in line.points), default=0) or 1.0
    frame = _Frame(x + _LEFT, y + _TOP, width - _LEFT - _RIGHT, height - _TOP - _BOTTOM, span, most)
    yield from _axes(frame)
    # The topmost area is drawn first, so that each one hides all but its own part.
    for number in reversed(range(len(stacked))):
        yield _drawn(frame, stacked[number], _COLORS[number % len(_COLORS)], is_area=properties["stacked"])
    yield from _legend(frame, shown)


def _worth_showing(lines: Sequence[Line]) -> list[Line]:
    """Those of which something was measured; where it isn't all nothing, those of which there was something."""
    measured = [line for line in lines if line.points]
    return [line for line in measured if any(value for _, value in line.points)] or measured


def _stacked(lines: Sequence[Line]) -> list[Line]:
    """Each line upon those before it; where one has no value it adds nothing."""
    times = sorted({time for line in lines for time, _ in line.points})
    heights = dict.fromkeys(times, 0.0)
    upon = []
    for line in lines:
        for time, value in line.points:
            heights[time] += value
        upon.append(Line(line.label, [(time, heights[time]) for time in times]))
    return upon


def _drawn(frame: _Frame, line: Line, color: str, *, is_area: bool) -> str:
    if is_area:
        return f"<path d='{''.join(_column(frame, point) for point in line.points)}' fill='{color}'/>"
    if len(line.points) == 1:
        x, y = frame.at(line.points[0]).split(",")
        return f"<circle cx='{x}' cy='{y}' r='2.5' fill='{color}'/>"
    track = " ".join(frame.at(point) for point in line.points)
    return f"<polyline points='{track}' fill='none' stroke='{color}' stroke-width='1.6'/>"


def _column(frame: _Frame, point: Point) -> str:
    """As wide as what it counts took: nothing is claimed of times in between of which nothing is known."""
    time, value = point
    left, top = frame.at(point).split(",")
    right, bottom = frame.at((time + frame.span.period_s, 0.0)).split(",")
    return f"M{left},{bottom}V{top}H{right}V{bottom}Z" if value else ""


def _axes(frame: _Frame) -> Iterator[str]:
    soft = "fill='#4b5c66'"
    for part in (0.0, 0.5, 1.0):
        y = frame.y + frame.height * (1 - part)
        yield f"<line x1='{frame.x}' x2='{frame.x + frame.width}' y1='{y:.1f}' y2='{y:.1f}' stroke='#e6ebee'/>"
        yield _text(frame.x - 4, y + 3, _short(frame.most * part), f"text-anchor='end' {soft}")
    bottom = frame.y + frame.height + 11
    yield _text(frame.x, bottom, _clock(frame.span.begins), soft)
    yield _text(frame.x + frame.width, bottom, _clock(frame.span.ends), f"text-anchor='end' {soft}")


def _legend(frame: _Frame, lines: Sequence[Line]) -> Iterator[str]:
    y, x, end = frame.y + frame.height + 23, frame.x - _LEFT + 8, frame.x + frame.width
    if not lines:
        yield _text(
            frame.x + frame.width / 2, frame.y + frame.height / 2, "nothing yet", "text-anchor='middle' fill='#4b5c66'"
        )
    for number, line in enumerate(lines):
        length = 12 + len(line.label) * _LETTER_PX
        if number == _IN_LEGEND or x + length > end - _MORE_PX:
            yield _text(x, y, f"+ {len(lines) - number}", "fill='#4b5c66'")
            return
        yield f"<rect x='{x:.1f}' y='{y - 7}' width='8' height='8' fill='{_COLORS[number % len(_COLORS)]}'/>"
        yield _text(x + 11, y, line.label, "fill='#16232b'")
        x += length + 8


def _text(x: float, y: float, text: str, look: str) -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' {look}>{escape(text)}</text>"


def _short(value: float) -> str:
    return f"{value / 1000:.3g}k" if value >= 1000 else f"{value:.2g}" if value < 1 else f"{value:.3g}"


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M}"
