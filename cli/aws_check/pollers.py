"""What an idle queue costs: its event source asks it for messages all day."""

import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cli.aws_check.finding import Finding, Verdict, verdict_of
from cli.aws_check.ground import Ground

NAME = "pollers"
_QUEUE = "deliver-webhook"  # nothing in this run sends to it
_HOURS_A_MONTH = 730
_MOST_A_MONTH = 1_500_000
"""Twice of what was measured elsewhere, about 650,000; the idle costs in bench/README.md stand on that."""


def findings(ground: Ground) -> Iterator[Finding]:
    """Read the queue's metric of empty receives over the last hours."""
    now = datetime.now(UTC)
    points = ground.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="NumberOfEmptyReceives",
        Dimensions=[{"Name": "QueueName", "Value": f"{ground.function_prefix}{_QUEUE}"}],
        StartTime=now - timedelta(hours=3),
        EndTime=now,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    yield judge([point["Sum"] for point in points])


def judge(empty_receives_an_hour: list[float]) -> Finding:
    """Whether an idle queue's pollers ask about as often as the costs assume."""
    says = "the pollers of an idle queue cost what the docs say"
    if not empty_receives_an_hour:
        return Finding(NAME, says, Verdict.NOT_SHOWN, "there are no metrics yet: the stage must be up for an hour")
    a_month = statistics.mean(empty_receives_an_hour) * _HOURS_A_MONTH
    return Finding(NAME, says, verdict_of(a_month <= _MOST_A_MONTH), f"{a_month:,.0f} empty receives a month")
