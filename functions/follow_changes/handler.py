"""The jobs table's stream: what changed state goes into the counters, what was spent into the accounts, and how much of
it into the metrics."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from backstay.costs.rows import updates
from backstay.costs.spending import spendings
from backstay.jobs.counter_store import CounterStore
from backstay.jobs.counters import deltas
from backstay.settings import Environment
from backstay.telemetry import Metric, emit


def handler(event: Mapping[str, Any], context: object) -> None:  # noqa: ARG001 - Lambda passes it
    """Count one batch. Whatever fails raises: the stream brings the same batch again, and it is counted once."""
    records = event["Records"]
    changes = deltas(records)
    counters = _counters()
    spent = updates(counters.table, spendings(records))
    counters.add(changes, [record["eventID"] for record in records], spent)
    for task, states in changes.arrivals.items():
        emit((Metric(f"JobsTo{state.capitalize()}", count) for state, count in states.items()), {"Task": task})


@cache
def _counters() -> CounterStore:
    return CounterStore(Environment.read().jobs_table)
