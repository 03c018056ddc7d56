"""DynamoDB: the conditional writes on which claims, fencing and counters stand."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.contract.clouds import ACCEPTED, Cloud, outcome
from tests.contract.deviations import RESERVED_KEYS

_KEY = {"id": {"S": "acme.job"}, "part": {"S": "state"}}
_API = "DynamoDB API reference, "


def test_a_failed_condition_brings_the_item_in_the_way(cloud: Cloud):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    item = {**_KEY, "state": {"S": "completed"}, "fence": {"N": "3"}}
    dynamodb.put_item(TableName=table, Item=item)
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as refused:
        dynamodb.update_item(
            TableName=table,
            Key=_KEY,
            UpdateExpression="SET #state = :active ADD fence :one",
            ConditionExpression="#state = :waiting OR (#state = :delayed AND due_at <= :now)",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={
                ":active": {"S": "active"}, ":waiting": {"S": "waiting"}, ":delayed": {"S": "delayed"},
                ":now": {"N": "1"}, ":one": {"N": "1"},
            },
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )  # fmt: skip
    cloud.does(refused.value.response.get("Item"), aws=item, source=_API + "UpdateItem: ALL_OLD")


def test_a_failed_condition_on_nothing_brings_no_item(cloud: Cloud):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as refused:
        dynamodb.update_item(
            TableName=table,
            Key=_KEY,
            UpdateExpression="ADD fence :one",
            ConditionExpression="fence = :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    cloud.does(refused.value.response.get("Item"), aws=None, source=_API + "UpdateItem: ALL_OLD")


def test_fifty_threads_add_up(emulator: Cloud):
    """Not on moto, whose threads overtake one another between look and write."""
    dynamodb, table = emulator.client("dynamodb"), emulator.table()

    def add(_: int) -> None:
        dynamodb.update_item(
            TableName=table,
            Key=_KEY,
            UpdateExpression="ADD waiting :one, completed :minus",
            ExpressionAttributeValues={":one": {"N": "1"}, ":minus": {"N": "-1"}},
        )

    with ThreadPoolExecutor(50) as threads:
        list(threads.map(add, range(100)))
    item = dynamodb.get_item(TableName=table, Key=_KEY, ConsistentRead=True)["Item"]
    seen = item["waiting"]["N"], item["completed"]["N"]
    emulator.does(seen, aws=("100", "-100"), source=_API + "UpdateItem: ADD is atomic, and starts at 0")


def test_of_thirty_workers_that_claim_one_job_one_wins(emulator: Cloud):
    """Not on moto, where sometimes two win: no test of a race may run there."""
    dynamodb, table = emulator.client("dynamodb"), emulator.table()
    dynamodb.put_item(TableName=table, Item={**_KEY, "state": {"S": "waiting"}})

    def claim(worker: int) -> str:
        return outcome(
            lambda: dynamodb.update_item(
                TableName=table,
                Key=_KEY,
                UpdateExpression="SET #state = :active, worker = :worker, started_at = if_not_exists(started_at, :now) "
                "REMOVE due_at ADD fence :one",
                ConditionExpression="#state = :waiting AND attribute_not_exists(cancel_requested)",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    ":active": {"S": "active"}, ":waiting": {"S": "waiting"}, ":one": {"N": "1"},
                    ":now": {"N": "1"}, ":worker": {"N": str(worker)},
                },
            )
        )  # fmt: skip

    with ThreadPoolExecutor(30) as threads:
        outcomes = list(threads.map(claim, range(30)))
    item = dynamodb.get_item(TableName=table, Key=_KEY, ConsistentRead=True)["Item"]
    seen = sorted(set(outcomes)), outcomes.count(ACCEPTED), item["fence"]["N"], item["worker"]["N"]
    winner = str(outcomes.index(ACCEPTED)) if ACCEPTED in outcomes else None
    expected = ["ConditionalCheckFailedException", ACCEPTED], 1, "1", winner
    emulator.does(seen, aws=expected, source="DynamoDB developer guide, Condition expressions")


def test_if_not_exists_keeps_what_is_there_and_all_new_answers_with_it(cloud: Cloud):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    seen = [
        dynamodb.update_item(
            TableName=table,
            Key=_KEY,
            UpdateExpression="SET started_at = if_not_exists(started_at, :now) ADD attempts :one",
            ExpressionAttributeValues={":now": {"N": now}, ":one": {"N": "1"}},
            ReturnValues="ALL_NEW",
        )["Attributes"]
        for now in ("1000", "2000")
    ]
    expected = [{**_KEY, "started_at": {"N": "1000"}, "attempts": {"N": attempts}} for attempts in ("1", "2")]
    cloud.does(seen, aws=expected, source="DynamoDB developer guide, Update expressions")


@pytest.mark.parametrize(("execution", "expected"), [("2", ACCEPTED), ("1", "ConditionalCheckFailedException")])
def test_a_condition_looks_into_a_map(cloud: Cloud, execution: str, expected: str):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    dynamodb.put_item(TableName=table, Item={**_KEY, "step": {"M": {"execution": {"N": "1"}}}})
    seen = outcome(
        lambda: dynamodb.update_item(
            TableName=table,
            Key=_KEY,
            UpdateExpression="SET newest = :execution",
            ConditionExpression="attribute_not_exists(#step) OR #step.#execution < :execution",
            ExpressionAttributeNames={"#step": "step", "#execution": "execution"},
            ExpressionAttributeValues={":execution": {"N": execution}},
        )
    )
    cloud.does(seen, aws=expected, source="DynamoDB developer guide, Referring to item attributes")


@pytest.mark.parametrize(
    "expression",
    [
        {"UpdateExpression": "SET state = :value"},
        {"UpdateExpression": "SET other = :value", "ConditionExpression": "state = :value"},
        {"UpdateExpression": "REMOVE error SET other = :value"},
        {"UpdateExpression": "SET ttl = :value"},
    ],
)
def test_reserved_words_are_refused(cloud: Cloud, expression: dict[str, str]):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    seen = outcome(
        lambda: dynamodb.update_item(
            TableName=table, Key=_KEY, ExpressionAttributeValues={":value": {"S": "x"}}, **expression
        )
    )
    cloud.does(seen, aws="ValidationException", source="DynamoDB developer guide, Reserved words")


def test_reserved_words_are_refused_as_keys_of_a_query(cloud: Cloud):
    dynamodb, table = cloud.client("dynamodb"), cloud.table(indexes={"by_list": ("list", "created_at")})
    seen = outcome(
        lambda: dynamodb.query(
            TableName=table,
            IndexName="by_list",
            KeyConditionExpression="list = :list",
            ExpressionAttributeValues={":list": {"S": "keys"}},
        )
    )
    source = "DynamoDB developer guide, Reserved words"
    cloud.does(seen, aws="ValidationException", source=source, but=RESERVED_KEYS)


def test_an_unused_value_is_refused(cloud: Cloud):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    seen = outcome(
        lambda: dynamodb.update_item(
            TableName=table,
            Key=_KEY,
            UpdateExpression="SET other = :value",
            ExpressionAttributeValues={":value": {"S": "x"}, ":unused": {"S": "x"}},
        )
    )
    cloud.does(seen, aws="ValidationException", source="DynamoDB developer guide, Expression attribute values")


@pytest.mark.parametrize(("kilobytes", "expected"), [(390, ACCEPTED), (401, "ValidationException")])
def test_an_item_ends_at_400_kilobytes(cloud: Cloud, kilobytes: int, expected: str):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    item = {**_KEY, "body": {"S": "x" * (kilobytes * 1024)}}
    seen = outcome(lambda: dynamodb.put_item(TableName=table, Item=item))
    cloud.does(seen, aws=expected, source="DynamoDB developer guide, Constraints: item size")


def test_an_update_may_not_grow_an_item_beyond_400_kilobytes(cloud: Cloud):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    dynamodb.put_item(TableName=table, Item={**_KEY, "body": {"S": "x" * (300 * 1024)}})
    seen = outcome(
        lambda: dynamodb.update_item(
            TableName=table,
            Key=_KEY,
            UpdateExpression="SET more = :more",
            ExpressionAttributeValues={":more": {"S": "x" * (150 * 1024)}},
        )
    )
    cloud.does(seen, aws="ValidationException", source="DynamoDB developer guide, Constraints: item size")


def test_an_item_past_its_time_to_live_is_still_read(cloud: Cloud):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    dynamodb.put_item(TableName=table, Item={**_KEY, "ttl": {"N": "1000000000"}})
    described = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"]
    seen = described, "Item" in dynamodb.get_item(TableName=table, Key=_KEY)
    source = "DynamoDB developer guide, Time to live: deleted within a few days"
    cloud.does(seen, aws=("ENABLED", True), source=source)


def test_a_number_comes_back_as_it_went(cloud: Cloud):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    dynamodb.put_item(TableName=table, Item={**_KEY, "at": {"N": "1700000000123"}, "cost": {"N": "0.0000123"}})
    item = dynamodb.get_item(TableName=table, Key=_KEY)["Item"]
    seen = item["at"]["N"], float(item["cost"]["N"])
    cloud.does(seen, aws=("1700000000123", 0.0000123), source="DynamoDB developer guide, Data types: number")


def test_an_empty_key_is_refused_and_an_empty_value_is_not(cloud: Cloud):
    dynamodb, table = cloud.client("dynamodb"), cloud.table()
    seen = [
        outcome(lambda: dynamodb.put_item(TableName=table, Item={**_KEY, "id": {"S": ""}})),
        outcome(lambda: dynamodb.put_item(TableName=table, Item={**_KEY, "note": {"S": ""}})),
    ]
    cloud.does(seen, aws=["ValidationException", ACCEPTED], source="DynamoDB developer guide, Constraints: strings")


def test_an_unknown_table_is_named_as_such(cloud: Cloud):
    dynamodb = cloud.client("dynamodb")
    with pytest.raises(ClientError) as refused:
        dynamodb.get_item(TableName="no-such-table", Key=_KEY)
    seen = refused.value.response["Error"]["Code"]
    cloud.does(seen, aws="ResourceNotFoundException", source=_API + "GetItem")
