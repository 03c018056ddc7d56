"""The jobs table's stream: what changed state goes into the counters, what was spent into the accounts, and how much of
it into the metrics."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from backstay import config
from backstay.costs.rows import updates
from backstay.costs.spending import spendings
from backstay.jobs.counter_store import CounterStore
from backstay.jobs.counters import deltas
from backstay.settings import Environment
from backstay.telemetry import Metric, emit

if TYPE_CHECKING:
    from backstay.alerts.rules import Rule

IN_A_ROW = "worker.consecutive_failures"


def handler(event: Mapping[str, Any], context: object) -> None:  # noqa: ARG001 - Lambda passes it
    """Count one batch. Whatever fails raises: the stream brings the same batch again, and it is counted once."""
    records = event["Records"]
    changes = deltas(records)
    counters = _counters()
    spent = updates(counters.table, spendings(records))
    counters.add(changes, [record["eventID"] for record in records], spent)
    for task, states in changes.arrivals.items():
        emit((Metric(f"JobsTo{state.capitalize()}", count) for state, count in states.items()), {"Task": task})
    for task, streak in changes.streaks.items():
        if streak.failures:
            _tell_of_failures(task)


def _tell_of_failures(task: str) -> None:
    """Read only where something has failed, which costs one read a batch."""
    rule, in_a_row = _rules()[IN_A_ROW], _counters().failures_in_a_row(task)
    if rule.threshold is not None and in_a_row >= rule.threshold:
        from backstay.alerts.reporting import report

        text = f"{in_a_row} jobs of task {task} have failed in a row. See why: backstay jobs ls --task {task}"
        report(IN_A_ROW, task, f"{text} --state failed")


@cache
def _rules() -> "Mapping[str, Rule]":
    from backstay.alerts.rules import rules

    return rules(config.load().alerts)


@cache
def _counters() -> CounterStore:
    return CounterStore(Environment.read().jobs_table)
