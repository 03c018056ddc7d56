"""DynamoDB stream → Lambda on the emulator: from which counters and live updates are derived."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.clouds import Cloud, eventually
from tests.contract.deviations import STREAM_PARTIAL_BATCHES, STREAM_RETRIES
from tests.contract.lambdas import Function

_GUIDE = "Lambda developer guide, Using Lambda with DynamoDB"
_ONLY_STATES = {"Filters": [{"Pattern": json.dumps({"dynamodb": {"Keys": {"part": {"S": ["state"]}}}})}]}


def _item(number: int, part: str = "state", state: str = "waiting") -> dict[str, Any]:
    return {"id": {"S": f"acme.{number}"}, "part": {"S": part}, "state": {"S": state}}


def _stream(cloud: Cloud, table: str) -> str:
    return str(cloud.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"])


def _follow(cloud: Cloud, table: str, folder: Path, then: str = "", **settings: Any) -> Function:
    function = Function.make(cloud, folder, then)
    function.follow(_stream(cloud, table), StartingPosition="TRIM_HORIZON", BatchSize=100, **settings)
    return function


@pytest.fixture
def table(emulator: Cloud) -> str:
    """A table with a stream."""
    return emulator.table(stream=True)


def test_a_record_has_the_item_before_and_after_and_an_id(emulator: Cloud, table: str, tmp_path: Path):
    dynamodb = emulator.client("dynamodb")
    function = _follow(emulator, table, tmp_path)
    dynamodb.put_item(TableName=table, Item=_item(1))
    dynamodb.put_item(TableName=table, Item=_item(1, state="active"))
    dynamodb.delete_item(TableName=table, Key={key: _item(1)[key] for key in ("id", "part")})
    records = [record for batch in function.wait_for_records(3) for record in batch]
    seen = [
        (r["eventName"], r["dynamodb"].get("OldImage", {}).get("state"), r["dynamodb"].get("NewImage", {}).get("state"))
        for r in records
    ]
    waiting, active = {"S": "waiting"}, {"S": "active"}
    expected = [("INSERT", None, waiting), ("MODIFY", waiting, active), ("REMOVE", active, None)]
    different_ids = len({record["eventID"] for record in records})
    emulator.does((seen, different_ids), aws=(expected, 3), source=_GUIDE + ": event structure")


def test_a_write_that_changes_nothing_makes_no_record(emulator: Cloud, table: str, tmp_path: Path):
    dynamodb = emulator.client("dynamodb")
    function = _follow(emulator, table, tmp_path)
    for item in (_item(1), _item(1), _item(2)):
        dynamodb.put_item(TableName=table, Item=item)
    eventually(lambda: "acme.2" in function.notes.read_text())
    seen = [r["dynamodb"]["Keys"]["id"]["S"] for batch in function.batches() for r in batch]
    source = "DynamoDB developer guide, Change data capture: a put that changes nothing writes no stream record"
    emulator.does(seen, aws=["acme.1", "acme.2"], source=source)


def test_a_filter_lets_only_the_parts_through_that_it_names(emulator: Cloud, table: str, tmp_path: Path):
    dynamodb = emulator.client("dynamodb")
    function = _follow(emulator, table, tmp_path, FilterCriteria=_ONLY_STATES)
    for number, part in enumerate(("input", "state", "call#001", "state")):
        dynamodb.put_item(TableName=table, Item=_item(number, part))
    batches = function.wait_for_records(2)
    seen = [record["dynamodb"]["Keys"]["id"]["S"] for batch in batches for record in batch]
    emulator.does(seen, aws=["acme.1", "acme.3"], source="Lambda developer guide, Event filtering")


def test_writes_of_a_transaction_are_followed_too(emulator: Cloud, table: str, tmp_path: Path):
    puts = [{"Put": {"TableName": table, "Item": _item(number)}} for number in range(3)]
    function = _follow(emulator, table, tmp_path)
    emulator.client("dynamodb").transact_write_items(TransactItems=puts)
    seen = sorted(record["dynamodb"]["Keys"]["id"]["S"] for batch in function.wait_for_records(3) for record in batch)
    emulator.does(seen, aws=["acme.0", "acme.1", "acme.2"], source=_GUIDE)


def test_a_batch_that_fails_is_delivered_again_before_anything_newer(emulator: Cloud, table: str, tmp_path: Path):
    once = 'if len(open(os.environ["NOTES"]).readlines()) == 1:\n    raise RuntimeError("told to")'
    function = _follow(emulator, table, tmp_path, once)
    emulator.client("dynamodb").put_item(TableName=table, Item=_item(1))
    function.wait_for(1)
    emulator.client("dynamodb").put_item(TableName=table, Item=_item(2))
    first, second, *_ = function.wait_for_records(3)
    seen = second[0]["dynamodb"]["Keys"]["id"]["S"], second[0]["eventID"] == first[0]["eventID"]
    emulator.does(seen, aws=("acme.1", True), source=_GUIDE + ": error handling")


def test_a_batch_that_always_fails_is_given_up_after_its_retries(emulator: Cloud, table: str, tmp_path: Path):
    failing = 'if "acme.1" in json.dumps(event):\n    raise RuntimeError("told to")'
    dead = emulator.queue()
    function = _follow(
        emulator, table, tmp_path, failing, MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": dead.arn}},
    )  # fmt: skip
    emulator.client("dynamodb").put_item(TableName=table, Item=_item(1))
    function.wait_for(3)
    seen = len(function.batches()) > 2, len(dead.receive())
    emulator.does(seen, aws=(False, 1), source=_GUIDE + ": MaximumRetryAttempts", but=STREAM_RETRIES)


def test_a_stream_batch_goes_on_from_the_first_record_that_the_function_reports(
    emulator: Cloud, table: str, tmp_path: Path
):
    report = """if len(open(os.environ["NOTES"]).readlines()) == 1:
    return {"batchItemFailures": [{"itemIdentifier": event["Records"][-1]["dynamodb"]["SequenceNumber"]}]}"""
    puts = [{"Put": {"TableName": table, "Item": _item(number)}} for number in range(3)]
    emulator.client("dynamodb").transact_write_items(TransactItems=puts)  # before it is followed: one batch
    function = _follow(emulator, table, tmp_path, report, FunctionResponseTypes=["ReportBatchItemFailures"])
    function.wait_for(1)
    function.wait_for(2, within_s=2)  # what the emulator never does
    seen = [len(batch) for batch in function.batches()]
    source = _GUIDE + ": partial batch response"
    emulator.does(seen, aws=[3, 1], source=source, but=STREAM_PARTIAL_BATCHES)
