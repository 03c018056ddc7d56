"""The emulator that checks what functions may do: refuses what their role doesn't allow, and notes what they did."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cli.local.permissions import Use, read_uses
from cli.local.processes import Child, start_mark, stop
from cli.local.servers import Servers
from cli.local.state import StateDirectory

ARN = "arn:aws:sqs:us-east-1:000000000000"
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
WITHOUT_TLS = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"} | {
    "Condition": {"Bool": {"aws:SecureTransport": "false"}}
}


class Emulator:
    """One that checks permissions, and who speaks to it."""

    def __init__(self, state: StateDirectory, url: str) -> None:
        self.state, self._url = state, url

    def client(self, service: str, **credentials: str) -> Any:
        """Under these credentials, or those of whoever deploys."""
        keys = credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self._url, region_name="us-east-1", **keys)  # type: ignore[call-overload]

    def function(self, name: str, *actions: str, resource: str, service: str = "sqs") -> Any:
        """A client of a function whose role allows these actions. Its session is named as Lambda would name it."""
        allowed = {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}]}
        iam = self.client("iam")
        role = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName=f"{name}-role", PolicyName="own", PolicyDocument=json.dumps(allowed))
        given = self.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
        return self.client(
            service,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    state = StateDirectory(tmp_path_factory.mktemp("checks"))
    state.prepare()
    owner = Child("tests", os.getpid(), start_mark(os.getpid()) or "unknown")
    servers = Servers(state, owner, checks_permissions=True)
    try:
        servers.start_emulator()
        yield Emulator(state, servers.endpoint_url)
    finally:
        stop(servers.children)


def test_a_function_does_what_its_role_allows_and_nothing_else(emulator: Emulator) -> None:
    url = emulator.client("sqs").create_queue(QueueName="work")["QueueUrl"]
    sender = emulator.function("sender", "sqs:SendMessage", resource=f"{ARN}:work")

    sender.send_message(QueueUrl=url, MessageBody="hello")
    sender.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "hello again"}])  # the same action
    with pytest.raises(ClientError, match="not authorized to perform: sqs:PurgeQueue"):
        sender.purge_queue(QueueUrl=url)

    assert [use for use in read_uses(emulator.state.permissions) if use.function == "sender"] == [
        Use("sender", "sqs:SendMessage", f"{ARN}:work", is_allowed=True),
        Use("sender", "sqs:PurgeQueue", f"{ARN}:work", is_allowed=False),
    ]


def test_what_refuses_to_be_asked_without_tls_is_asked_on_this_machine(emulator: Emulator) -> None:
    policy = json.dumps({"Statement": [WITHOUT_TLS]})
    url = emulator.client("sqs").create_queue(QueueName="private", Attributes={"Policy": policy})["QueueUrl"]

    emulator.function("asker", "sqs:SendMessage", resource=f"{ARN}:private").send_message(
        QueueUrl=url, MessageBody="hello"
    )


def test_a_task_token_is_sent_by_who_may_send_to_a_machine(emulator: Emulator) -> None:
    machine = emulator.client("stepfunctions").create_state_machine(
        name="saga",
        definition='{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}',
        roleArn=emulator.client("iam").create_role(RoleName="saga", AssumeRolePolicyDocument="{}")["Role"]["Arn"],
    )["stateMachineArn"]
    for name, resource, error in (
        ("worker", machine, "TaskDoesNotExist"),
        ("stranger", machine + "-other", "AccessDeniedException"),
    ):
        caller = emulator.function(name, "states:SendTaskSuccess", resource=resource, service="stepfunctions")
        with pytest.raises(ClientError) as refused:
            caller.send_task_success(taskToken="none", output="{}")
        assert refused.value.response["Error"]["Code"] == error


def test_who_deploys_may_do_anything_and_is_not_noted(emulator: Emulator, tmp_path: Path) -> None:
    emulator.client("s3").create_bucket(Bucket="assets")
    deployer = emulator.function("aws-cdk-somebody", "sqs:SendMessage", resource=f"{ARN}:none")

    assert deployer.list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert not any(use.function.startswith("aws-cdk") for use in read_uses(emulator.state.permissions))
