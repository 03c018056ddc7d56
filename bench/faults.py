"""Faults put into an embedded cloud, one for each rule by which people are told: real ones where that takes seconds.

What a fault would take minutes or another provider for is measured in its stead: the alarm's own metric, as far beyond
its limit and for as long as it says.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from backstay.access.key import new_key
from backstay.alerts.alarm_names import alarm_name, parse
from backstay.alerts.announcing import announce
from backstay.alerts.occurrence import Kind, Occurrence
from backstay.alerts.rules import BUILT_IN, Heard
from bench.embedded import client_of
from cli.aws import acting_as
from cli.local.environment import aws_environment
from cli.local.state import LocalCloud

IN_A_ROW = 5
_INSIDE = "https://169.254.169.254/latest/meta-data"
_OF_CREDIT: Mapping[str, tuple[str, float]] = {
    "cost.credits_low": ("CreditsRemaining", 4),
    "cost.credits_critical": ("CreditsRemaining", 0.5),
    "cost.high_daily_usage": ("CreditsUsedToday", 2),
    "cost.credits_unknown": ("CreditChecksFailedInARow", 3),
}
"""Rules of providers that can be asked for their credit, which the app as it is here has none of."""

_SETTINGS = frozenset(
    {
        "AlarmDescription", "AlarmActions", "OKActions", "Namespace", "MetricName", "Statistic", "Period",
        "EvaluationPeriods", "Threshold", "ComparisonOperator", "TreatMissingData",
    }
)  # fmt: skip
_LONGEST_S = 60.0
_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Alarming:
    """The alert that a fault must raise."""

    rule: str
    source: str

    @property
    def words(self) -> str:
        """What a message about it says."""
        return f"{self.rule}: {self.source}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, and the alerts that it must raise."""

    raises: tuple[Alarming, ...]
    happen: Callable[[], None]
    is_real: bool = True
    """Whether it goes wrong from the beginning, and not only in what is measured."""


class Faults:
    """Faults of one cloud.

    Args:
        cloud: where.
        http: calls under its own key.
    """

    def __init__(self, cloud: LocalCloud, http: httpx.Client) -> None:
        self._cloud, self._http = cloud, http
        self._cloudwatch = client_of(cloud, "cloudwatch")
        self._prefix = f"backstay-{cloud.stage}-"

    def all(self) -> Iterator[Fault]:
        """One or more for each built-in rule."""
        real = (self._calls_inside(), self._wrong_keys(), self._sent_away(), self._provider_down())
        yield from real
        covered = {alarming.rule for fault in real for alarming in fault.raises}
        for name, rule in BUILT_IN.items():
            if name in covered:
                continue
            yield self._told(name) if rule.heard is Heard.EVENT else self._measured(name)

    def heal(self) -> None:
        """Providers answer again, and circuits are closed."""
        self._http.post(f"{self._cloud.llm_url}/_llmock/reset").raise_for_status()
        self._call("POST", "/api/breakers/provider:anthropic/reset")

    def resolve_all(self) -> None:
        """Nothing is the matter any more, so that whatever is next is news."""
        for alert in self._call("GET", "/api/alerts?state=unresolved&limit=100")["alerts"]:
            answer = self._http.post(f"{self._cloud.api_url}/api/alerts/{alert['id']}/resolve")
            if answer.status_code != _CONFLICT:  # it was over just before
                answer.raise_for_status()

    def _calls_inside(self) -> Fault:
        """Jobs that call an address that nobody may: each fails for good, and its message becomes a dead letter."""

        def happen() -> None:
            for _ in range(IN_A_ROW):
                self._call("POST", "/api/jobs", {"task": "call-http", "input": {"url": _INSIDE}})

        raised = {
            "security.suspicious_activity": "address:default",
            "worker.consecutive_failures": "call-http",
            "worker.dead_letter": "call-http",
        }
        return Fault(tuple(Alarming(*entry) for entry in raised.items()), happen)

    def _wrong_keys(self) -> Fault:
        def happen() -> None:
            for _ in range(IN_A_ROW):
                header = {"Authorization": f"Bearer {new_key('0123456789')}"}
                self._http.get(f"{self._cloud.api_url}/api/jobs", headers=header)

        return Fault((Alarming("security.authentication_failures", "127.0.0.1"),), happen)

    def _sent_away(self) -> Fault:
        """One answer of 429, from the provider to which a job comes when another has failed."""
        first = {"type": "fail", "status": 500, "times": 1, "match": {"provider": "anthropic"}}
        second = {"type": "fail", "status": 429, "times": 1, "match": {"provider": "openai"}}
        return self._answers([first, second], 1, Alarming("api.rate_limit", "openai"))

    def _provider_down(self) -> Fault:
        down = {"type": "fail", "status": 500, "times": None, "match": {"provider": "anthropic"}}
        return self._answers([down], IN_A_ROW, Alarming("api.circuit_breaker", "provider:anthropic"))

    def _answers(self, behaviors: list[dict[str, Any]], jobs: int, alarming: Alarming) -> Fault:
        """Providers of models answer so; asked by jobs whose answers nobody has yet."""

        def happen() -> None:
            server = f"{self._cloud.llm_url}/_llmock"
            self._http.post(f"{server}/reset").raise_for_status()
            self._http.post(f"{server}/scenario", json={"behaviors": behaviors}).raise_for_status()
            for number in range(jobs):
                title = f"{alarming.source} {time.time_ns()} {number}"
                story = {"id": uuid.uuid4().hex, "title": title, "content": title, "sector_tag": "ai"}
                self._call("POST", "/api/jobs", {"task": "enhance-story", "input": story})
            self._wait_for_requests(max(jobs, len(behaviors)))

        return Fault((alarming,), happen)

    def _wait_for_requests(self, number: int) -> None:
        """Until so many were made since the script was set; what is scripted next must not answer them."""
        deadline = time.monotonic() + _LONGEST_S
        while (
            len(self._http.get(f"{self._cloud.llm_url}/_llmock/requests").raise_for_status().json()["requests"])
            < number
        ):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the model server was not asked {number} times within {_LONGEST_S:g} s")
            time.sleep(0.1)

    def _told(self, rule: str) -> Fault:
        """What a process would tell that has seen it for minutes, in its stead."""
        source = f"made-up-{time.time_ns()}"

        def happen() -> None:
            occurrence = Occurrence(rule, source, Kind.HAPPENED, datetime.now(UTC), BUILT_IN[rule].condition)
            with acting_as(aws_environment(self._cloud.endpoint_url, Path(os.devnull))):
                announce(self._cloud.stage, occurrence)

        return Fault((Alarming(rule, source),), happen, is_real=False)

    def _measured(self, rule: str) -> Fault:
        alarm = self._alarms.get(rule) or self._alarm_of_credit(rule)
        if alarm.get("Statistic") == "Minimum" and alarm["Namespace"] == "AWS/SQS":
            alarm = self._twin_of(alarm)

        def happen() -> None:
            limit, below = alarm["Threshold"], alarm["ComparisonOperator"].startswith("Less")
            value = limit / 2 if below else 2 * limit + 1
            period, now = timedelta(seconds=alarm["Period"]), datetime.now(UTC)
            points = [
                {
                    "MetricName": alarm["MetricName"],
                    "Dimensions": alarm["Dimensions"],
                    "Timestamp": now - number * period,
                    "Value": value,
                }
                for number in range(alarm["EvaluationPeriods"])
            ]
            self._cloudwatch.put_metric_data(Namespace=alarm["Namespace"], MetricData=points)

        return Fault((Alarming(*parse(alarm["AlarmName"], self._prefix)),), happen, is_real=False)

    @cached_property
    def _alarms(self) -> Mapping[str, dict[str, Any]]:
        """The first alarm of each rule, by rule."""
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=self._prefix)
        found: dict[str, dict[str, Any]] = {}
        for alarm in (alarm for page in pages for alarm in page["MetricAlarms"]):
            found.setdefault(parse(alarm["AlarmName"], self._prefix).rule, alarm)
        return found

    def _twin_of(self, alarm: Mapping[str, Any]) -> dict[str, Any]:
        """The same alarm of a queue that there is none of, since what a real one holds is measured at the same time."""
        kept = {name: value for name, value in alarm.items() if name in _SETTINGS}
        twin = kept | {
            "AlarmName": alarm_name(self._prefix, parse(alarm["AlarmName"], self._prefix).rule, "made-up"),
            "Dimensions": [{"Name": "QueueName", "Value": "made-up"}],
        }
        self._cloudwatch.put_metric_alarm(**twin)
        return twin

    def _alarm_of_credit(self, rule: str) -> dict[str, Any]:
        """As the stack would make it for a provider that can be asked."""
        metric, value = _OF_CREDIT[rule]
        below = metric == "CreditsRemaining"
        topic = self._cloud.outputs["AlarmTopic"]
        alarm: dict[str, Any] = {
            "AlarmName": alarm_name(self._prefix, rule, "gateway"),
            "Namespace": "Backstay",
            "MetricName": metric,
            "Dimensions": [{"Name": "Provider", "Value": f"gateway-{rule}"}],
            "Statistic": "Minimum" if below else "Maximum",
            "Threshold": float(value),
            "Period": 3600,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "LessThanThreshold" if below else "GreaterThanThreshold",
            "TreatMissingData": "ignore",
        }
        self._cloudwatch.put_metric_alarm(AlarmDescription=BUILT_IN[rule].condition, AlarmActions=[topic], **alarm)
        return alarm

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = self._http.request(method, self._cloud.api_url + path, json=body).raise_for_status()
        return answer.json()
