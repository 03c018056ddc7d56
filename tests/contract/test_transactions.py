"""DynamoDB: transactions, with which a batch of state changes is counted exactly once."""

from typing import Any

import pytest

from tests.contract.clouds import ACCEPTED, Cloud, outcome, unique
from tests.contract.deviations import TOKENS, TOKENS_OF_OTHERS

_SOURCE = "DynamoDB API reference, TransactWriteItems"


def _add(table: str, part: str, amount: int = 1) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": table,
            "Key": {"id": {"S": "counters#task#obey"}, "part": {"S": part}},
            "UpdateExpression": "ADD waiting :amount",
            "ExpressionAttributeValues": {":amount": {"N": str(amount)}},
        }
    }


def _count(cloud: Cloud, table: str, part: str) -> str | None:
    key = {"id": {"S": "counters#task#obey"}, "part": {"S": part}}
    item = cloud.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    return item["waiting"]["N"] if item else None


def test_a_transaction_repeated_under_its_token_counts_once(cloud: Cloud):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    token = unique("token")
    seen: list[str | None] = [
        outcome(lambda: dynamodb.transact_write_items(TransactItems=[_add(table, "total")], ClientRequestToken=token))
        for _ in range(2)
    ]
    seen.append(_count(cloud, table, "total"))
    cloud.does(seen, aws=[ACCEPTED, ACCEPTED, "1"], source=_SOURCE + ": ClientRequestToken", but=TOKENS)


def test_another_transaction_under_the_same_token_is_refused(cloud: Cloud):
    dynamodb, table, token = cloud.client("dynamodb"), cloud.table(), unique("token")
    seen = [
        outcome(
            lambda amount=amount: dynamodb.transact_write_items(
                TransactItems=[_add(table, "total", amount)], ClientRequestToken=token
            )
        )
        for amount in (1, 2)
    ]
    expected = [ACCEPTED, "IdempotentParameterMismatchException"]
    cloud.does(seen, aws=expected, source=_SOURCE + ": ClientRequestToken", but=TOKENS_OF_OTHERS)


def test_a_cancelled_transaction_says_why_item_by_item_and_writes_nothing(cloud: Cloud):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    key = {"id": {"S": "acme.job"}, "part": {"S": "state"}}
    dynamodb.put_item(TableName=table, Item={**key, "fence": {"N": "2"}})
    check = {
        "TableName": table,
        "Key": key,
        "ConditionExpression": "fence = :fence",
        "ExpressionAttributeValues": {":fence": {"N": "1"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as refused:
        dynamodb.transact_write_items(TransactItems=[_add(table, "total"), {"ConditionCheck": check}])
    first, second = refused.value.response["CancellationReasons"]
    seen = first["Code"], second["Code"], second.get("Item"), _count(cloud, table, "total")
    expected = "None", "ConditionalCheckFailed", {**key, "fence": {"N": "2"}}, None
    cloud.does(seen, aws=expected, source=_SOURCE + ": CancellationReasons")


def test_one_item_may_not_be_written_twice_in_a_transaction(cloud: Cloud):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    twice = [_add(table, "total"), _add(table, "total")]
    seen = outcome(lambda: dynamodb.transact_write_items(TransactItems=twice)), _count(cloud, table, "total")
    cloud.does(seen, aws=("ValidationException", None), source=_SOURCE)


@pytest.mark.parametrize(("items", "expected"), [(100, ACCEPTED), (101, "ValidationException")])
def test_a_transaction_ends_at_100_items(cloud: Cloud, items: int, expected: str):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    many = [_add(table, f"minute#{number}") for number in range(items)]
    seen = outcome(lambda: dynamodb.transact_write_items(TransactItems=many))
    cloud.does(seen, aws=expected, source=_SOURCE + ": 100 actions")
