"""Which items a call writes and reads."""

from typing import Any

import pytest

from bench.capacity import Table
from bench.meter import Meter, Read, read, written

ITEM = {"id": {"S": "j"}, "part": {"S": "state"}}


@pytest.mark.parametrize(
    ("operation", "params", "items"),
    [
        ("PutItem", {"TableName": "t", "Item": ITEM}, 1),
        ("UpdateItem", {"TableName": "t", "Key": ITEM}, 1),
        ("DeleteItem", {"TableName": "t", "Key": ITEM}, 1),
        (
            "BatchWriteItem",
            {"RequestItems": {"t": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": ITEM}}]}},
            2,
        ),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "t", "Item": ITEM}},
                    {"Update": {"TableName": "t", "Key": ITEM}},
                    {"ConditionCheck": {"TableName": "t", "Key": ITEM}},
                ]
            },
            3,
        ),
        ("GetItem", {"TableName": "t", "Key": ITEM}, 0),
    ],
)
def test_batches_and_transactions_count_by_their_items(operation: str, params: dict[str, Any], items: int) -> None:
    assert written(operation, params) == [("t", ITEM)] * items


def test_a_query_counts_what_it_finds_and_one_when_it_finds_nothing() -> None:
    query = {"TableName": "t", "ConsistentRead": True}
    assert read("Query", query, {"Items": [ITEM, ITEM]}, 1) == [Read("t", 2, 1)]
    assert read("Query", query, {"Items": []}, 1) == [Read("t", 1, 1)]


def test_reads_by_key_count_what_was_asked_for() -> None:
    assert read("GetItem", {"TableName": "t", "Key": ITEM}, {}, 1) == [Read("t", 1, 0.5)]
    assert read("BatchGetItem", {"RequestItems": {"t": {"Keys": [ITEM, ITEM]}}}, {}, 1) == [Read("t", 2, 1.0)]
    assert read("TransactGetItems", {"TransactItems": [{"Get": {"TableName": "t", "Key": ITEM}}]}, {}, 2) == [
        Read("t", 1, 2.0)
    ]


class FakeEvents:
    """botocore's emitter, as far as a meter needs it."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}

    def register(self, name: str, handler: Any) -> None:
        self.handlers[name] = handler


class FakeClient:
    """A client whose calls a test makes up."""

    def __init__(self) -> None:
        self.meta = self
        self.events = FakeEvents()

    def call(self, operation: str, params: dict[str, Any], answer: dict[str, Any], act: Any) -> None:
        model, context = type("Model", (), {"name": operation}), {}  # type: ignore[var-annotated]
        self.events.handlers["before-parameter-build.dynamodb"](params=params, model=model, context=context)
        act()
        self.events.handlers["after-call.dynamodb"](parsed=answer, model=model, context=context)


def test_a_transaction_costs_double_and_each_tally_sees_only_its_own_time() -> None:
    stored: dict[str, Any] = {}
    client = FakeClient()
    meter = Meter(client, {"t": Table("t", ("id", "part"))}, lambda table, key: stored.get(str(key)))
    params = {"TransactItems": [{"Put": {"TableName": "t", "Item": ITEM}}]}

    with meter.tally() as first:
        client.call("TransactWriteItems", params, {}, lambda: stored.update({str(ITEM): ITEM}))
    with meter.tally() as second:
        client.call("GetItem", {"TableName": "t", "Key": ITEM}, {"Item": ITEM}, lambda: None)

    assert (first.items_written("t"), first.write_units, first.items_read()) == (1, 2, 0)
    assert (first.writes[0].before, first.writes[0].after) == (None, ITEM)
    assert (second.items_written(), second.items_read("t"), second.read_units) == (0, 1, 0.5)
