"""`backstay dashboards`: the CloudWatch dashboards drawn as pictures, also where there is no console."""

import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.aws import acting_as
from cli.dashboard_drawing import Line, Span, drawing_of
from cli.output import console
from cli.problems import ExitCode, Problem
from cli.target import Session, Target

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDataQueryTypeDef, MetricStatTypeDef

_QUERIES_PER_CALL = 500
_PARTS = 60
"""Into how many the time that is shown is cut."""
_FINEST_S = {True: 15, False: 60}
"""What CloudWatch keeps; in the embedded cloud, where all is over in minutes, queues are measured every ten seconds."""


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(dashboards)


def dashboards(
    context: typer.Context,
    to: Annotated[Path, typer.Option(help="The folder for the pictures.")] = Path("dashboards"),
    minutes: Annotated[int, typer.Option(min=1, help="How far to look back.")] = 15,
) -> None:
    """Draw the CloudWatch dashboards as SVG, with what was measured lately."""
    session: Session = context.obj
    for path in draw(session.target, to, minutes):
        console.print(str(path))


def draw(target: Target, to: Path, minutes: int) -> list[Path]:
    """Draw every dashboard of a deployment into a folder; answers the files.

    Raises:
        Problem: it has none.
    """
    import boto3  # slow to import

    with acting_as(target.aws):
        client = boto3.client("cloudwatch")
        prefix = f"backstay-{target.outputs['Stage']}-"
        names = [
            entry["DashboardName"] for entry in client.list_dashboards(DashboardNamePrefix=prefix)["DashboardEntries"]
        ]
        if not names:
            raise Problem(f"{target.name} has no dashboards", "deploy it anew", ExitCode.FAILED)
        to.mkdir(parents=True, exist_ok=True)
        span = _span(minutes * 60, _FINEST_S[target.is_local])
        return [_draw_one(client, name, to / f"dashboard-{name.removeprefix(prefix)}.svg", span) for name in names]


def _draw_one(client: "CloudWatchClient", name: str, path: Path, span: Span) -> Path:
    body = json.loads(client.get_dashboard(DashboardName=name)["DashboardBody"])
    path.write_text(drawing_of(body, _measured(client, body, span), span), encoding="utf-8")
    return path


def _span(length_s: int, finest_s: int) -> Span:
    period_s = max(1, round(length_s / _PARTS / finest_s)) * finest_s
    ends = (int(time.time()) // period_s + 1) * period_s
    return Span(ends - length_s, ends, period_s)


def _measured(client: "CloudWatchClient", body: Mapping[str, Any], span: Span) -> list[list[Line]]:
    """For each widget, what was measured of each of its metrics."""
    series = [widget["properties"].get("metrics", []) for widget in body["widgets"]]
    queries = [_query(number, one, span) for number, one in enumerate(itertools.chain.from_iterable(series))]
    answers = _answers(client, queries, span)
    return [[Line(metric[-1]["label"], next(answers)) for metric in metrics] for metrics in series]


def _query(number: int, metric: Sequence[Any], span: Span) -> "MetricDataQueryTypeDef":
    namespace, name, *about, how = metric
    dimensions: list[DimensionTypeDef] = [
        {"Name": key, "Value": value} for key, value in zip(about[::2], about[1::2], strict=True)
    ]
    asked: MetricStatTypeDef = {
        "Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions},
        "Period": span.period_s,
        "Stat": how["stat"],
    }
    return {"Id": f"m{number}", "MetricStat": asked}


def _answers(
    client: "CloudWatchClient", queries: "Sequence[MetricDataQueryTypeDef]", span: Span
) -> Iterator[list[tuple[float, float]]]:
    """The points of each query, in their order."""
    for start in range(0, len(queries), _QUERIES_PER_CALL):
        asked = queries[start : start + _QUERIES_PER_CALL]
        points: dict[str, list[tuple[float, float]]] = {query["Id"]: [] for query in asked}
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=asked,
            StartTime=datetime.fromtimestamp(span.begins, UTC),
            EndTime=datetime.fromtimestamp(span.ends, UTC),
            ScanBy="TimestampAscending",
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                times = (stamp.timestamp() for stamp in result["Timestamps"])
                points[result["Id"]] += zip(times, result["Values"], strict=True)
        yield from points.values()
