"""Escalation as it is deployed, on the emulator's Step Functions, with minutes that pass in a hundredth of a second."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from backstay import config
from infra.escalation_machine import escalation_machine
from tests.alert_channels import EVERY
from tests.contract.clouds import Cloud, Queue, eventually, unique

SCALE = 1 / 6_000


@pytest.fixture(scope="module", autouse=True)
def quick(emulator: Cloud) -> Iterator[None]:
    """Waits take that part of their time."""
    for scale in (SCALE, 1):
        answer = httpx.post(
            f"{emulator.endpoint_url}/_ministack/config",
            json={"stepfunctions._SFN_WAIT_SCALE": scale},
            trust_env=False,
        )
        assert answer.raise_for_status().json()["applied"]
        if scale != 1:
            yield


@pytest.fixture(scope="module")
def table(emulator: Cloud) -> str:
    name = unique("alerts")
    emulator.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def escalate(cloud: Cloud, table: str, state: str, policy: str) -> tuple[Mapping[str, Any], Queue, str]:
    """Escalate an alert in a state to the end; answers the execution, the queue of messages, and the alert's id."""
    queue, sfn, alert_id = cloud.queue(), cloud.client("stepfunctions"), unique("alert")
    item = {"id": {"S": alert_id}, "state": {"S": state}, "text": {"S": "x"}}
    cloud.client("dynamodb").put_item(TableName=table, Item=item)
    definition = escalation_machine(config.parse(EVERY).alerts, table, queue.url)
    machine = sfn.create_state_machine(
        name=unique("escalate"),
        definition=json.dumps(definition),
        roleArn=f"arn:aws:iam::{cloud.account}:role/escalate",
    )["stateMachineArn"]
    told = json.dumps({"alert_id": alert_id, "policy": policy})
    execution = sfn.start_execution(stateMachineArn=machine, name=alert_id, input=told)["executionArn"]
    eventually(lambda: sfn.describe_execution(executionArn=execution)["status"] != "RUNNING", 60)
    return dict(sfn.describe_execution(executionArn=execution)), queue, alert_id


def messages_of(queue: Queue) -> list[dict[str, Any]]:
    """All that was sent."""
    bodies = []
    while received := queue.receive():
        for message in received:
            bodies.append(json.loads(message["Body"]))
            queue.delete(message["ReceiptHandle"])
    return bodies


@pytest.mark.parametrize(
    ("policy", "channels"),
    [("default", {"slack", "oncall", "email"}), ("cost", {"slack", "email"})],
)
def test_an_alert_that_nobody_looks_after_comes_to_every_channel_of_its_policy(
    emulator: Cloud, table: str, policy: str, channels: set[str]
) -> None:
    over, queue, alert_id = escalate(emulator, table, "open", policy)
    assert over["status"] == "SUCCEEDED", over
    messages = messages_of(queue)
    assert {message["input"]["channel"] for message in messages} == channels
    assert {message["idempotency_key"] for message in messages} == {f"{alert_id}#open#{name}" for name in channels}


@pytest.mark.parametrize("state", ["acknowledged", "resolved"])
def test_nobody_is_told_of_an_alert_that_is_not_open(emulator: Cloud, table: str, state: str) -> None:
    over, queue, _ = escalate(emulator, table, state, "critical")
    assert (over["status"], messages_of(queue)) == ("SUCCEEDED", [])


def test_a_step_comes_no_sooner_than_its_minutes(emulator: Cloud, table: str) -> None:
    over, _, _ = escalate(emulator, table, "open", "default")
    history = emulator.client("stepfunctions").get_execution_history(executionArn=over["executionArn"])["events"]
    entered = {
        event["stateEnteredEventDetails"]["name"]: event["timestamp"]
        for event in history
        if "stateEnteredEventDetails" in event
    }
    slack, oncall, email = (entered[f"default {step}"] for step in ("0 min: slack", "5 min: oncall", "15 min: email"))
    assert (oncall - slack).total_seconds() >= 5 * 60 * SCALE
    assert (email - slack).total_seconds() >= 15 * 60 * SCALE
