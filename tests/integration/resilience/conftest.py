"""What guards ask of their table, counted."""

from collections.abc import Iterator

import pytest

from backstay import aws
from backstay.settings import Environment


@pytest.fixture
def writes(cloud: Environment) -> Iterator[list[str]]:
    """The names of the writes that guards have made, refused ones included."""
    yield from _counted("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


@pytest.fixture
def reads(cloud: Environment) -> Iterator[list[str]]:
    """The names of the reads that guards have made."""
    yield from _counted("GetItem", "BatchGetItem", "Query")


def _counted(*operations: str) -> Iterator[list[str]]:
    made: list[str] = []
    events = aws.dynamodb_for_guards().meta.events
    for name in operations:
        events.register(f"before-call.dynamodb.{name}", lambda model, **_: made.append(model.name))
    yield made
