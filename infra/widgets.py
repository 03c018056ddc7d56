"""What a CloudWatch dashboard is made of, as plain data: rows of graphs, and headings between them. Pure."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

COLUMNS = 24
"""The width of CloudWatch's grid."""

_GRAPH_ROWS, _HEADING_ROWS = 5, 1
_PERIOD_S = 300

Widget = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a graph: a statistic of a metric."""

    namespace: str
    metric: str
    statistic: str
    label: str
    dimensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Graph:
    """Lines over time, or areas upon one another."""

    title: str
    unit: str
    series: tuple[Series, ...]
    is_stacked: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands over the rows that follow, in Markdown."""

    text: str


Row = Heading | tuple[Graph, ...]


def body_of(rows: Sequence[Row], region: str) -> Widget:
    """The body of a dashboard, as CloudWatch's PutDashboard takes it."""
    return {"start": "-PT3H", "widgets": list(_placed(rows, region))}


def _placed(rows: Sequence[Row], region: str) -> Iterator[Widget]:
    y = 0
    for row in rows:
        if isinstance(row, Heading):
            place = {"x": 0, "y": y, "width": COLUMNS, "height": _HEADING_ROWS}
            yield {"type": "text", **place, "properties": {"markdown": row.text, "background": "transparent"}}
            y += _HEADING_ROWS
            continue
        edges = [COLUMNS * number // len(row) for number in range(len(row) + 1)]
        for graph, (left, right) in zip(row, itertools.pairwise(edges), strict=True):
            place = {"x": left, "y": y, "width": right - left, "height": _GRAPH_ROWS}
            yield {"type": "metric", **place, "properties": _properties(graph, region)}
        y += _GRAPH_ROWS


def _properties(graph: Graph, region: str) -> Widget:
    return {
        "view": "timeSeries",
        "title": graph.title,
        "region": region,
        "stacked": graph.is_stacked,
        "period": _PERIOD_S,
        "yAxis": {"left": {"min": 0, "label": graph.unit, "showUnits": False}},
        "metrics": [_metric(series) for series in graph.series],
    }


def _metric(series: Series) -> list[Any]:
    names = [word for dimension in series.dimensions.items() for word in dimension]
    return [series.namespace, series.metric, *names, {"stat": series.statistic, "label": series.label}]
