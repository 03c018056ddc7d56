"""Completes the emulator: metrics out of log lines and queue depths; and ends the cloud when its owner is gone.

On AWS, CloudWatch reads metrics from log lines in the embedded metric format, and SQS publishes the depth of its
queues. The emulator does neither, so this process does. Run by `backstay up`:
`python -m cli.local.bridge STATE_DIRECTORY ENDPOINT [OWNER_PID OWNER_START]`.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.local.processes import Child, is_running, stop
from cli.local.state import StateDirectory

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

_EVERY_S = 2.0
_DEPTHS_EVERY_S = 10.0
_DATA_PER_CALL = 500
_DEPTHS = {
    "ApproximateNumberOfMessages": "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}


def metrics_of(line: str) -> Iterator[tuple[str, "MetricDatumTypeDef"]]:
    """Namespace and datum of every metric that a log line in the embedded metric format carries; else nothing."""
    if '"_aws"' not in line:
        return
    try:
        event = json.loads(line)
    except ValueError:
        return
    if not isinstance(event, dict) or not isinstance(event.get("_aws"), dict):
        return
    stamp = datetime.fromtimestamp(event["_aws"].get("Timestamp", time.time() * 1000) / 1000, UTC)
    for directive in event["_aws"].get("CloudWatchMetrics", []):
        for names in directive.get("Dimensions") or [[]]:
            dimensions = [{"Name": name, "Value": str(event[name])} for name in names if name in event]
            for metric in directive.get("Metrics", []):
                if metric["Name"] in event:
                    yield directive["Namespace"], _datum(metric, event[metric["Name"]], dimensions, stamp)


def _datum(
    metric: Mapping[str, Any], value: Any, dimensions: Sequence[Mapping[str, str]], stamp: datetime
) -> "MetricDatumTypeDef":
    values = [float(number) for number in value] if isinstance(value, list) else [float(value)]
    return {
        "MetricName": metric["Name"],
        "Dimensions": [{"Name": entry["Name"], "Value": entry["Value"]} for entry in dimensions],
        "Timestamp": stamp,
        "Unit": metric.get("Unit", "None"),
        "Values": values,
        "Counts": [1.0] * len(values),
    }


class LogReader:
    """Reads every Lambda's log from where it stopped the last time."""

    def __init__(self, logs: "CloudWatchLogsClient") -> None:
        self._logs = logs
        self._tokens: dict[tuple[str, str], str] = {}

    def new_lines(self) -> Iterator[str]:
        """What the Lambdas wrote since the last call."""
        for groups in self._logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/lambda/"):
            for group in groups["logGroups"]:
                yield from self._new_lines_of(group["logGroupName"])

    def _new_lines_of(self, group: str) -> Iterator[str]:
        for streams in self._logs.get_paginator("describe_log_streams").paginate(logGroupName=group):
            for stream in streams["logStreams"]:
                yield from self._new_lines_in(group, stream["logStreamName"])

    def _new_lines_in(self, group: str, stream: str) -> Iterator[str]:
        while True:
            token = self._tokens.get((group, stream))
            start = {"nextToken": token} if token else {}
            page = self._logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **start)  # type: ignore[arg-type]
            self._tokens[group, stream] = page["nextForwardToken"]
            yield from (event["message"] for event in page["events"])
            if not page["events"]:
                return


class Bridge:
    """Carries what the emulator leaves lying from where it is to where AWS would have put it."""

    def __init__(self, endpoint_url: str) -> None:
        config = Config(proxies={}, retries={"max_attempts": 1}, connect_timeout=2, read_timeout=10)
        self._endpoint = endpoint_url
        self._cloudwatch: CloudWatchClient = boto3.client("cloudwatch", endpoint_url=endpoint_url, config=config)
        self._sqs: SQSClient = boto3.client("sqs", endpoint_url=endpoint_url, config=config)
        self._reader = LogReader(boto3.client("logs", endpoint_url=endpoint_url, config=config))

    def carry_log_metrics(self) -> None:
        """Publish the metrics of all log lines that are new."""
        by_namespace: dict[str, list[MetricDatumTypeDef]] = {}
        for line in self._reader.new_lines():
            for namespace, datum in metrics_of(line):
                by_namespace.setdefault(namespace, []).append(datum)
        for namespace, data in by_namespace.items():
            self._put(namespace, data)

    def carry_queue_depths(self) -> None:
        """Publish how full every queue is, and how old its oldest message."""
        ages = self._oldest_ages_s()
        data: list[MetricDatumTypeDef] = []
        for page in self._sqs.get_paginator("list_queues").paginate():
            for url in page.get("QueueUrls", []):
                data += self._depths_of(url, ages)
        self._put("AWS/SQS", data)

    def _depths_of(self, url: str, ages: Mapping[str, float]) -> "list[MetricDatumTypeDef]":
        name = url.rpartition("/")[2]
        answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        attributes = {str(name): value for name, value in answer.items()}
        now = datetime.now(UTC)
        dimensions = [{"Name": "QueueName", "Value": name}]
        depths = [
            _datum({"Name": metric, "Unit": "Count"}, int(attributes.get(attribute, "0")), dimensions, now)
            for attribute, metric in _DEPTHS.items()
        ]
        age = {"Name": "ApproximateAgeOfOldestMessage", "Unit": "Seconds"}
        return [*depths, _datum(age, ages.get(name, 0.0), dimensions, now)]

    def _oldest_ages_s(self) -> dict[str, float]:
        answer = httpx.get(f"{self._endpoint}/_ministack/sqs/messages", timeout=10, trust_env=False)
        answer.raise_for_status()
        now = time.time()
        return {
            url.rpartition("/")[2]: max(0.0, now - min(message["SentTimestamp"] for message in messages))
            for regions in answer.json()["messages"].values()
            for queues in regions.values()
            for url, messages in queues.items()
            if messages
        }

    def _put(self, namespace: str, data: "Sequence[MetricDatumTypeDef]") -> None:
        for start in range(0, len(data), _DATA_PER_CALL):
            self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[start : start + _DATA_PER_CALL])


def _end_cloud(state: StateDirectory) -> None:
    """The owner was killed and can't tidy up any more: end its cloud, this process last."""
    this = os.getpid()
    stop([child for child in state.children() if child.pid != this])
    state.clear()


def main(arguments: Sequence[str]) -> None:
    """Work until told to stop, until the owner is gone, or until the state directory is."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    state, bridge = StateDirectory(Path(arguments[0])), Bridge(arguments[1])
    owner = Child("owner", int(arguments[2]), arguments[3]) if len(arguments) > 3 else None
    depths_due = 0.0
    while state.path.exists():
        time.sleep(_EVERY_S)
        if owner and not is_running(owner):
            _end_cloud(state)
            return
        try:
            bridge.carry_log_metrics()
            if time.monotonic() >= depths_due:
                bridge.carry_queue_depths()
                depths_due = time.monotonic() + _DEPTHS_EVERY_S
        except (BotoCoreError, ClientError, httpx.HTTPError) as error:
            # The emulator may be starting, restarting or busy; what is due is carried the next time.
            print(f"{datetime.now(UTC):%H:%M:%S} not carried: {error}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
