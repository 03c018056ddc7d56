"""Lines of all functions' logs that mention something, in the order of time."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from backstay import aws
from backstay.clock import epoch_ms, utc_now
from cli.aws import acting_as
from cli.problems import ExitCode, Problem
from cli.target import Target

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_AT_ONCE = 8
"""Groups that are searched side by side; CloudWatch takes ten searches a second."""

_CLOCKS_DIFFER_MS = 60_000


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a function's log."""

    at_ms: int
    """Milliseconds since 1970, UTC."""
    function: str
    """Without stage."""
    message: str
    """As it was written."""
    keys: Mapping[str, Any] = field(compare=False)
    """What it holds where it is JSON; else nothing."""

    @classmethod
    def of(cls, at_ms: int, function: str, message: str) -> "Line":
        """Read one event."""
        try:
            keys = json.loads(message)
        except ValueError:
            keys = {}
        return cls(at_ms, function, message.rstrip(), keys if isinstance(keys, dict) else {})


class LogSearch:
    """Searches the logs of one Backstay's functions."""

    def __init__(self, target: Target) -> None:
        self._target, self._prefix = target, f"/aws/lambda/backstay-{target.outputs['Stage']}-"

    def lines(self, term: str, since_ms: int, until_ms: int | None = None) -> list[Line]:
        """Every line that holds a term, of all functions, by time.

        Args:
            term: looked for as it is; holds no quotation marks.
            since_ms: milliseconds since 1970, UTC.
            until_ms: likewise; None for now.

        Raises:
            Problem: the logs can't be read.
        """
        with acting_as(self._target.aws):
            try:
                return sorted(self._found(aws.logs(), term, since_ms, until_ms), key=lambda line: line.at_ms)
            except (BotoCoreError, ClientError) as error:
                remedy = "check the credentials; they need logs:DescribeLogGroups and logs:FilterLogEvents"
                raise Problem(str(error), remedy, ExitCode.NOT_REACHABLE) from error

    def _found(self, logs: "CloudWatchLogsClient", term: str, since_ms: int, until_ms: int | None) -> list[Line]:
        end_ms = epoch_ms(utc_now()) + _CLOCKS_DIFFER_MS if until_ms is None else until_ms

        def search(group: str) -> list[Line]:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, filterPattern=f'"{term}"', startTime=since_ms, endTime=end_ms
            )
            function = group.removeprefix(self._prefix)
            return [
                Line.of(event["timestamp"], function, event["message"]) for page in pages for event in page["events"]
            ]

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return [line for lines in pool.map(search, self._groups(logs)) for line in lines]

    def _groups(self, logs: "CloudWatchLogsClient") -> Iterator[str]:
        for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=self._prefix):
            yield from (group["logGroupName"] for group in page["logGroups"])
