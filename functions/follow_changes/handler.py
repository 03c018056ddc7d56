"""The jobs table's stream: what changed state goes into the counters, what was spent into the accounts, how much of it
into the metrics, and all of it to those who watch."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from backstay import config
from backstay.jobs.counters import deltas
from backstay.live.changes import of_stream
from backstay.live.telling import Teller
from backstay.settings import Environment
from backstay.telemetry import Metric, emit

from .counting import Counting

if TYPE_CHECKING:
    from backstay.alerts.rules import Rule

IN_A_ROW = "worker.consecutive_failures"


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Count one batch. What fails of that raises: the stream brings the same batch again, and it is counted once.

    Answers the state of Lambda's time window, which is empty: there is one so that events name their shard.
    """
    changes = deltas(_counting().count(event["Records"], event.get("shardId")))
    for task, states in changes.arrivals.items():
        emit((Metric(f"JobsTo{state.capitalize()}", count) for state, count in states.items()), {"Task": task})
    for task, streak in changes.streaks.items():
        if streak.failures:
            _tell_of_failures(task)
    _teller().tell(lambda: of_stream(event["Records"]))
    return {"state": {}}


def _tell_of_failures(task: str) -> None:
    """Read only where something has failed, which costs one read a batch."""
    rule, in_a_row = _rules()[IN_A_ROW], _counting().counters.failures_in_a_row(task)
    if rule.threshold is not None and in_a_row >= rule.threshold:
        from backstay.alerts.reporting import report

        text = f"{in_a_row} jobs of task {task} have failed in a row. See why: backstay jobs ls --task {task}"
        report(IN_A_ROW, task, f"{text} --state failed")


@cache
def _rules() -> "Mapping[str, Rule]":
    from backstay.alerts.rules import rules

    return rules(config.load().alerts)


@cache
def _counting() -> Counting:
    return Counting(Environment.read().jobs_table)


@cache
def _teller() -> Teller:
    return Teller(Environment.read())
