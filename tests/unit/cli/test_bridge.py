"""Metrics out of log lines."""

import json
from datetime import UTC, datetime

import pytest

from cli.local.bridge import metrics_of

EVENT = {
    "_aws": {
        "Timestamp": 1_764_000_000_000,
        "CloudWatchMetrics": [
            {
                "Namespace": "Backstay",
                "Dimensions": [["task"], []],
                "Metrics": [{"Name": "Completed", "Unit": "Count"}, {"Name": "RunMs", "Unit": "Milliseconds"}],
            }
        ],
    },
    "task": "enhance-story",
    "Completed": 1,
    "RunMs": [12.5, 14],
}


def test_every_metric_is_published_for_every_set_of_dimensions() -> None:
    found = list(metrics_of(json.dumps(EVENT)))
    assert [(namespace, datum["MetricName"], len(datum["Dimensions"])) for namespace, datum in found] == [
        ("Backstay", "Completed", 1),
        ("Backstay", "RunMs", 1),
        ("Backstay", "Completed", 0),
        ("Backstay", "RunMs", 0),
    ]
    first = found[0][1]
    assert first["Dimensions"] == [{"Name": "task", "Value": "enhance-story"}]
    assert first["Timestamp"] == datetime.fromtimestamp(1_764_000_000, UTC)
    assert first["Values"] == [1.0]
    assert found[1][1]["Values"] == [12.5, 14.0]
    assert found[1][1]["Unit"] == "Milliseconds"


@pytest.mark.parametrize(
    "line", ["START RequestId: 1", '{"level": "INFO"}', '"_aws"', '{"_aws": 1}', '{"_aws": {}}', '{"_aws": {"x"']
)
def test_other_lines_carry_no_metrics(line: str) -> None:
    assert list(metrics_of(line)) == []


def test_a_metric_that_the_line_promises_but_lacks_is_left_out() -> None:
    event = {key: value for key, value in EVENT.items() if key != "RunMs"}
    assert {datum["MetricName"] for _, datum in metrics_of(json.dumps(event))} == {"Completed"}
