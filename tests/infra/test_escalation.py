"""What alerts are escalated with, and who may do what on the way to people."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alert_channels import EMAIL, SLACK
from tests.infra.conftest import forgotten, synthesise, write_functions
from tests.infra.template import Template, as_list, as_text


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    root = tmp_path_factory.mktemp("alerts")
    write_functions(root / "functions")
    (root / "backstay.toml").write_text(SLACK + EMAIL)
    with forgotten(root):
        yield synthesise(root / "out", functions=str(root / "functions"), config=str(root / "backstay.toml"))


def test_policies_become_a_state_machine_that_tells_the_channels_there_are(deployed: Template) -> None:
    machine = deployed.named("AWS::StepFunctions::StateMachine", "StateMachineName")["backstay-dev-escalate-alert"]
    definition = json.loads(as_text(machine["DefinitionString"]))
    states = definition["States"]
    assert {"default 0 min: slack", "default 15 min: email", "security 0 min: email"} <= set(states)
    assert not [name for name in states if "pagerduty" in name]
    assert all("ResultPath" in state for state in states.values() if state["Type"] == "Task"), "CDK leaves out nulls"
    queue = states["default 0 min: slack"]["Parameters"]["QueueUrl"]
    assert deployed.of_type("AWS::SQS::Queue")[queue]["QueueName"] == "backstay-dev-deliver-alert"


def test_the_machine_reads_alerts_and_sends_to_one_queue_and_nothing_else(deployed: Template) -> None:
    machine = deployed.named("AWS::StepFunctions::StateMachine", "StateMachineName")["backstay-dev-escalate-alert"]
    role = machine["RoleArn"]["Fn::GetAtt"][0]
    actions = {
        action
        for policy in deployed.of_type("AWS::IAM::Policy").values()
        if {"Ref": role} in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
    }
    ours = {action for action in actions if action.partition(":")[0] not in ("kms", "logs", "xray")}
    assert ours == {"dynamodb:GetItem", "sqs:SendMessage"}


def test_who_tells_channels_reads_their_secrets_and_sends_under_their_sender_and_no_other(deployed: Template) -> None:
    function = "backstay-dev-deliver-alert"
    secrets = deployed.resources_of(function, "secretsmanager:GetSecretValue")
    assert [as_text(secret).rpartition(":secret:")[2] for secret in secrets] == ["backstay/dev/alerts/slack-??????"]
    senders = {as_text(one).rpartition(":identity/")[2] for one in deployed.resources_of(function, "ses:SendEmail")}
    assert senders == {"backstay@example.com", "example.com"}


def test_who_tells_channels_knows_where_the_api_is(deployed: Template) -> None:
    variables = deployed.functions()["backstay-dev-deliver-alert"]["Environment"]["Variables"]
    assert "BACKSTAY_API_URL" in variables
    assert "BACKSTAY_API_URL" not in deployed.functions()["backstay-dev-sweep"]["Environment"]["Variables"]


def test_whoever_synthesises_hears_which_channels_are_missing(
    functions: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "backstay.toml").write_text(SLACK + EMAIL)
    synthesise(tmp_path / "out", functions=str(functions), config=str(tmp_path / "backstay.toml"))
    assert "alerts: policy critical passes over 'pagerduty': there is no such channel" in capfd.readouterr().err
