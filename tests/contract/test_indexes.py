"""DynamoDB: sparse keys-only indexes and batch reads, from which every list of jobs comes."""

from typing import Any

import pytest

from tests.contract.clouds import ACCEPTED, Cloud, outcome
from tests.contract.deviations import INDEX_KEY_TYPES

_INDEX = {"by_state": ("state_key", "state_at")}
_SOURCE = "DynamoDB developer guide, Global secondary indexes"


def _job(number: int, state: str = "waiting", at: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": {"S": f"acme.{number}"},
        "part": {"S": "state"},
        "state_key": {"S": f"obey#{state}#0"},
        "state_at": {"S": at or f"2026-01-01T00:00:00.{number:03d}Z~{number}"},
        "note": {"S": "not in the index"},
        **more,
    }


def _query(cloud: Cloud, table: str, condition: str = "", values: dict[str, str] | None = None, **more: Any) -> Any:
    bound = {f":{name}": {"S": value} for name, value in ({"key": "obey#waiting#0"} | (values or {})).items()}
    names = {"#key": "state_key"} | ({"#sort": "state_at"} if condition else {})
    return cloud.client("dynamodb").query(
        TableName=table,
        IndexName="by_state",
        KeyConditionExpression="#key = :key" + condition,
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=bound,
        **more,
    )


def _ids(answer: Any) -> list[str]:
    return [item["id"]["S"] for item in answer["Items"]]


@pytest.fixture
def table(cloud: Cloud) -> str:
    """Five waiting jobs, and items that no index holds."""
    table = cloud.table(indexes=_INDEX)
    dynamodb = cloud.client("dynamodb")
    for number in (3, 1, 5, 2, 4):
        dynamodb.put_item(TableName=table, Item=_job(number))
    dynamodb.put_item(TableName=table, Item={"id": {"S": "acme.1"}, "part": {"S": "input"}})
    half = _job(6)
    del half["state_at"]
    dynamodb.put_item(TableName=table, Item=half)
    return table


def test_an_index_holds_only_items_with_both_of_its_keys_and_only_keys(cloud: Cloud, table: str):
    answer = _query(cloud, table)
    seen = _ids(answer), sorted(answer["Items"][0])
    expected = [f"acme.{number}" for number in (1, 2, 3, 4, 5)], ["id", "part", "state_at", "state_key"]
    cloud.does(seen, aws=expected, source=_SOURCE)


def test_an_index_answers_newest_first_below_a_bound(cloud: Cloud, table: str):
    before = {"bound": "2026-01-01T00:00:00.004Z~4"}
    seen = _ids(_query(cloud, table, " AND #sort < :bound", before, ScanIndexForward=False, Limit=2))
    cloud.does(seen, aws=["acme.3", "acme.2"], source=_SOURCE)


def test_an_index_answers_oldest_first_up_to_a_bound(cloud: Cloud, table: str):
    until = {"bound": "2026-01-01T00:00:00.002Z~2"}
    seen = _ids(_query(cloud, table, " AND #sort <= :bound", until, ScanIndexForward=True, Limit=10))
    cloud.does(seen, aws=["acme.1", "acme.2"], source=_SOURCE)


def test_pages_of_an_index_join_without_gap_or_repeat(cloud: Cloud, table: str):
    seen: list[str] = []
    start: dict[str, Any] = {}
    for _ in range(4):
        answer = _query(cloud, table, Limit=2, **start)
        seen += _ids(answer)
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    cloud.does(seen, aws=[f"acme.{number}" for number in range(1, 6)], source="DynamoDB API reference, Query")


def test_an_update_of_its_key_moves_an_item_within_the_index(cloud: Cloud, table: str):
    cloud.client("dynamodb").update_item(
        TableName=table,
        Key={"id": {"S": "acme.3"}, "part": {"S": "state"}},
        UpdateExpression="SET state_key = :key, state_at = :at",
        ExpressionAttributeValues={":key": {"S": "obey#active#0"}, ":at": {"S": "2026-01-01T00:00:09.000Z~3"}},
    )
    seen = _ids(_query(cloud, table)), _ids(_query(cloud, table, values={"key": "obey#active#0"}))
    cloud.does(seen, aws=(["acme.1", "acme.2", "acme.4", "acme.5"], ["acme.3"]), source=_SOURCE)


def test_an_item_that_loses_a_key_leaves_the_index(cloud: Cloud, table: str):
    cloud.client("dynamodb").update_item(
        TableName=table,
        Key={"id": {"S": "acme.3"}, "part": {"S": "state"}},
        UpdateExpression="REMOVE state_key",
    )
    cloud.does(_ids(_query(cloud, table)), aws=["acme.1", "acme.2", "acme.4", "acme.5"], source=_SOURCE)


def test_a_deleted_item_leaves_the_index(cloud: Cloud, table: str):
    key = {"id": {"S": "acme.3"}, "part": {"S": "state"}}
    cloud.client("dynamodb").delete_item(TableName=table, Key=key)
    cloud.does(_ids(_query(cloud, table)), aws=["acme.1", "acme.2", "acme.4", "acme.5"], source=_SOURCE)


def test_an_index_key_of_another_type_is_refused(cloud: Cloud, table: str):
    wrong = _job(9) | {"state_at": {"N": "1"}}
    seen = outcome(lambda: cloud.client("dynamodb").put_item(TableName=table, Item=wrong))
    cloud.does(seen, aws="ValidationException", source=_SOURCE, but=INDEX_KEY_TYPES)


def test_an_index_is_not_read_consistently(cloud: Cloud, table: str):
    seen = outcome(lambda: _query(cloud, table, ConsistentRead=True))
    cloud.does(seen, aws="ValidationException", source="DynamoDB API reference, Query: ConsistentRead")


def test_a_table_answers_in_order_of_its_sort_key_by_prefix(cloud: Cloud, table: str):
    dynamodb = cloud.client("dynamodb")
    for part in ("call#002", "call#001", "call#010", "state"):
        dynamodb.put_item(TableName=table, Item={"id": {"S": "acme.9"}, "part": {"S": part}})
    answer = dynamodb.query(
        TableName=table,
        KeyConditionExpression="id = :id AND begins_with(part, :prefix)",
        ExpressionAttributeValues={":id": {"S": "acme.9"}, ":prefix": {"S": "call#"}},
        ConsistentRead=True,
    )
    seen = [item["part"]["S"] for item in answer["Items"]]
    cloud.does(seen, aws=["call#001", "call#002", "call#010"], source="DynamoDB API reference, Query")


def _batch(cloud: Cloud, table: str, numbers: list[int]) -> Any:
    keys = [{"id": {"S": f"acme.{number}"}, "part": {"S": "state"}} for number in numbers]
    return cloud.client("dynamodb").batch_get_item(RequestItems={table: {"Keys": keys}})


def test_a_batch_read_leaves_out_what_is_not_there(cloud: Cloud, table: str):
    answer = _batch(cloud, table, [4, 99, 1])
    seen = sorted(item["id"]["S"] for item in answer["Responses"][table]), answer.get("UnprocessedKeys")
    cloud.does(seen, aws=(["acme.1", "acme.4"], {}), source="DynamoDB API reference, BatchGetItem")


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [(list(range(100)), ACCEPTED), (list(range(101)), "ValidationException"), ([1, 1], "ValidationException")],
    ids=["a hundred", "more than a hundred", "one twice"],
)
def test_a_batch_read_takes_up_to_100_different_keys(cloud: Cloud, table: str, numbers: list[int], expected: str):
    seen = outcome(lambda: _batch(cloud, table, numbers))
    cloud.does(seen, aws=expected, source="DynamoDB API reference, BatchGetItem")
