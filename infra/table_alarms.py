"""Alarms of tables: they are throttled, slow, or fail."""

from collections.abc import Iterator, Mapping

from aws_cdk import aws_dynamodb as dynamodb

from infra.alarms import Alarms, Condition, plain
from infra.measures import of_table
from infra.storage import Storage

THROTTLED, SLOW, ERRORS = "system.throttled", "database.slow", "database.errors"

OPERATIONS: Mapping[str, str] = {
    "jobs": "UpdateItem",
    "guards": "TransactWriteItems",
    "workflows": "UpdateItem",
}
"""Of the tables that all work goes through, the operation that most of it takes; where DynamoDB is ill, it shows."""


def watch_tables(alarms: Alarms, storage: Storage) -> None:
    """Tell when a table of the stage is ill."""
    for name, table in _tables(storage):
        for what in ("Read", "Write"):
            throttles = of_table(table, f"{what}ThrottleEvents", "Sum")
            text = (
                f"DynamoDB throttles {what.lower()}s of table {name}: one key gets too many of them, or the table's"
                " load has more than doubled within half an hour. What is throttled is tried again"
            )
            alarms.add(THROTTLED, f"table:{name}:{what.lower()}s", Condition(throttles, text, 0))
        _watch_operation(alarms, name, table, OPERATIONS[name])


def _watch_operation(alarms: Alarms, name: str, table: dynamodb.ITable, operation: str) -> None:
    limit_ms, source = alarms.limit_of(SLOW), f"{name}:{operation}"
    latency = of_table(table, "SuccessfulRequestLatency", "p99", operation)
    text = (
        f"One in a hundred {operation} of table {name} takes longer than {plain(limit_ms)} ms; see whether AWS reports"
        " trouble with DynamoDB"
    )
    alarms.add(SLOW, source, Condition(latency, text, limit_ms, periods=2))
    failed = of_table(table, "SystemErrors", "Sum", operation)
    text = f"DynamoDB fails at {operation} of table {name}; see whether AWS reports trouble with it"
    alarms.add(ERRORS, source, Condition(failed, text, 0))


def _tables(storage: Storage) -> Iterator[tuple[str, dynamodb.ITable]]:
    return ((name, getattr(storage, name)) for name in OPERATIONS)
