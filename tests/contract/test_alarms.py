"""Alarms of the embedded cloud: what alerts rely on, which the emulator by itself does not do."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.contract.clouds import Cloud, unique


class Watched:
    """A metric with an alarm that speaks to a queue."""

    def __init__(self, cloud: Cloud, **options: Any) -> None:
        self.name, self._cloudwatch, self._sqs = unique("alarm"), cloud.client("cloudwatch"), cloud.client("sqs")
        self._queue = self._sqs.create_queue(QueueName=unique("told"))["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        topic = cloud.client("sns").create_topic(Name=unique("topic"))["TopicArn"]
        cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
        self._cloudwatch.put_metric_alarm(
            AlarmName=self.name,
            Namespace="Contract",
            MetricName=self.name,
            Dimensions=[{"Name": "Task", "Value": "ours"}],
            ComparisonOperator="GreaterThanThreshold",
            AlarmActions=[topic],
            OKActions=[topic],
            **{"Threshold": 10, "Period": 3600, "EvaluationPeriods": 1, "Statistic": "Maximum"}
            | {"TreatMissingData": "notBreaching"}
            | options,
        )

    def measure(self, value: float, task: str = "ours", ago_s: float = 0) -> None:
        at = datetime.now(UTC) - timedelta(seconds=ago_s)
        datum = {
            "MetricName": self.name,
            "Dimensions": [{"Name": "Task", "Value": task}],
            "Timestamp": at,
            "Value": value,
        }
        self._cloudwatch.put_metric_data(Namespace="Contract", MetricData=[datum])

    def state(self) -> str:
        (alarm,) = self._cloudwatch.describe_alarms(AlarmNames=[self.name])["MetricAlarms"]
        return str(alarm["StateValue"])

    def told(self) -> Iterator[str]:
        """States that the topic was told, as they come."""
        for _ in range(20):
            for message in self._sqs.receive_message(QueueUrl=self._queue, WaitTimeSeconds=1).get("Messages", []):
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                yield json.loads(json.loads(message["Body"])["Message"])["NewStateValue"]


def test_an_alarm_begins_and_ends_and_tells_both_and_not_that_it_is_new(emulator: Cloud) -> None:
    watched = Watched(emulator, Statistic="Average")
    watched.measure(1)
    watched.measure(99)
    assert watched.state() == "ALARM"
    for _ in range(9):
        watched.measure(1)
    assert watched.state() == "OK"
    told = watched.told()
    assert {next(told), next(told)} == {"ALARM", "OK"}


def test_an_alarm_looks_at_its_own_dimensions_only(emulator: Cloud) -> None:
    watched = Watched(emulator)
    watched.measure(99, task="another's")
    assert watched.state() == "OK"


def test_what_must_last_must_hold_in_every_period(emulator: Cloud) -> None:
    watched = Watched(emulator, EvaluationPeriods=2)
    watched.measure(99)
    assert watched.state() == "OK"
    watched.measure(99, ago_s=5400)
    assert watched.state() == "ALARM"
