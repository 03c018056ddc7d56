"""Dashboards: all that there is to see is seen, and all that is shown exists."""

import json
from collections.abc import Iterator
from typing import Any

from tests.infra.emitted import emitted
from tests.infra.template import Template, as_list

PREFIX = "backstay-dev-"


def body(template: Template, name: str) -> dict[str, Any]:
    """A dashboard's body, with references as text."""
    text = template.named("AWS::CloudWatch::Dashboard", "DashboardName")[f"{PREFIX}{name}"]["DashboardBody"]
    parts = text["Fn::Join"][1] if isinstance(text, dict) else as_list(text)
    return dict(json.loads("".join(part if isinstance(part, str) else "token" for part in parts)))


def graphs(template: Template, name: str) -> list[dict[str, Any]]:
    return [widget for widget in body(template, name)["widgets"] if widget["type"] == "metric"]


def metrics(template: Template) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of all that is shown."""
    for name in ("overview", "tasks", "money"):
        for graph in graphs(template, name):
            for namespace, metric, *about, _ in graph["properties"]["metrics"]:
                yield namespace, metric, dict(zip(about[::2], about[1::2], strict=True))


def test_there_are_as_many_as_cost_nothing(dev: Template) -> None:
    names = set(dev.named("AWS::CloudWatch::Dashboard", "DashboardName"))
    assert names == {f"{PREFIX}{name}" for name in ("overview", "tasks", "money")}


def test_every_metric_of_ours_that_is_shown_is_emitted_with_these_dimensions(dev: Template) -> None:
    known = emitted()
    shown = {(metric, frozenset(about)) for namespace, metric, about in metrics(dev) if namespace == "Backstay"}
    assert len(shown) > 20
    unknown = {
        (metric, about)
        for metric, about in shown
        if not any(one.dimensions == about and one.name.fullmatch(metric) for one in known)
    }
    assert not unknown


def test_every_queue_and_function_that_is_shown_is_in_the_stack(dev: Template) -> None:
    shown = [about for namespace, _, about in metrics(dev) if namespace in ("AWS/SQS", "AWS/Lambda")]
    assert {about["QueueName"] for about in shown if "QueueName" in about} <= set(dev.queues())
    assert {about["FunctionName"] for about in shown if "FunctionName" in about} <= set(dev.functions())


def test_a_task_that_nobody_knew_has_a_row_with_each_of_its_queues(derived: Template) -> None:
    widgets = body(derived, "tasks")["widgets"]
    (heading,) = (widget for widget in widgets if "add-in-order" in widget["properties"].get("markdown", ""))
    row = [widget for widget in widgets if widget["y"] == heading["y"] + 1]
    assert [widget["properties"]["title"] for widget in row] == [
        "Queue",
        "Oldest message",
        "Jobs ended",
        "Errors",
        "Run time",
        "Dead letters",
    ]
    queues = [line[3] for line in row[0]["properties"]["metrics"]]
    assert queues == [f"{PREFIX}add-in-order-{priority}" for priority in ("high", "normal", "low")]


def test_widgets_fill_the_grid_and_lie_upon_nothing(dev: Template) -> None:
    for name in ("overview", "tasks", "money"):
        taken: set[tuple[int, int]] = set()
        for widget in body(dev, name)["widgets"]:
            cells = {
                (widget["x"] + column, widget["y"] + row)
                for column in range(widget["width"])
                for row in range(widget["height"])
            }
            assert not cells & taken
            taken |= cells
        assert max(column for column, _ in taken) < 24
