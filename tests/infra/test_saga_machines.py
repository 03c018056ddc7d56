"""What a saga's state machine is deployed with, and what stops the synthesis."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backstay.workflows.saga import SagaDeclarationError
from infra.app import build
from tests.infra.conftest import forgotten, new_app, synthesise, write_functions, write_task
from tests.infra.template import Template, as_list, as_text

_SAGA = """
from backstay.workflows.saga import Approval, Saga, Step, Undo, fact, ref
from pydantic import BaseModel

class Order(BaseModel):
    numbers: list[int]

saga = Saga(
    "sum-up",
    Order,
    (
        Step("add", "add-numbers", {mapping}, undo=Undo({undo!r}, {{"numbers": ref("{undo_of}")}})),
        Approval("consent", when=fact("add.total").at_least(100)),
        Step("tell", "tell-somebody", {{"numbers": [ref("add.total")]}}),
    ),
)
"""
_TASKS = ("add-numbers", "take-back", "tell-somebody", "stand-by", "settle-step", "await-signal")
_MACHINE = "AWS::StepFunctions::StateMachine"


def write_saga(
    folder: Path,
    mapping: str = '{"numbers": ref("input.numbers")}',
    undo: str = "take-back",
    undo_of: str = "input.numbers",
) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "sum_up.py").write_text(_SAGA.format(mapping=mapping, undo=undo, undo_of=undo_of))
    return folder


def write_tasks(functions: Path) -> None:
    for name in _TASKS:
        write_task(functions, name)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    root = tmp_path_factory.mktemp("sagas")
    functions, sagas = root / "functions", write_saga(root / "sagas")
    write_functions(functions)
    write_tasks(functions)
    with forgotten(root):
        yield synthesise(root / "out", functions=str(functions), sagas=str(sagas))


def machine_of(template: Template) -> dict[str, Any]:
    return template.named(_MACHINE, "StateMachineName")["backstay-dev-sum-up"]


def test_a_saga_becomes_a_state_machine_that_logs_and_is_traced_without_its_data(deployed: Template) -> None:
    machine = machine_of(deployed)
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    logging = machine["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
    (destination,) = logging["Destinations"]
    log_group = deployed.body["Resources"][destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0]]
    assert log_group["Properties"]["LogGroupName"] == "/aws/vendedlogs/states/backstay-dev-sum-up"
    assert log_group["Properties"]["RetentionInDays"] == 7


def test_its_definition_is_whole_and_small(deployed: Template) -> None:
    text = as_text(machine_of(deployed)["DefinitionString"])
    definition = json.loads(text)
    assert {"add", "settle add", "undo add", "consent", "tell"} <= set(definition["States"])
    queue = definition["States"]["undo add"]["Parameters"]["QueueUrl"]
    assert deployed.of_type("AWS::SQS::Queue")[queue]["QueueName"] == "backstay-dev-take-back"
    assert len(text) < 1_000_000 / 4, "Step Functions takes a megabyte"


def test_it_may_send_to_the_queues_of_its_tasks_and_nothing_else(deployed: Template) -> None:
    role = machine_of(deployed)["RoleArn"]["Fn::GetAtt"][0]
    statements = [
        statement
        for policy in deployed.of_type("AWS::IAM::Policy").values()
        if {"Ref": role} in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    queues = {logical_id: queue["QueueName"] for logical_id, queue in deployed.of_type("AWS::SQS::Queue").items()}
    sends = {
        queues[as_text(resource)]
        for statement in statements
        if "sqs:SendMessage" in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }
    own = set(_TASKS) - {"stand-by"}
    assert sends == {f"backstay-dev-{task}" for task in own}
    actions = {action for statement in statements for action in as_list(statement["Action"])}
    assert {action.split(":")[0] for action in actions} == {"sqs", "kms", "logs", "xray"}


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"undo": "undo-nothing"}, r"step 'add': its undo: there is no task 'undo-nothing'; the tasks are"),
        ({"mapping": "{}"}, r"step 'add': add-numbers needs 'numbers', which nothing is mapped to"),
        ({"mapping": '{"numbers": ref("tell.total")}'}, r"'tell' is a later step"),
        ({"undo_of": "add.total"}, r"its undo: .*'add\.total'"),
    ],
)
def test_a_saga_that_cannot_work_stops_the_synthesis(
    functions: Path, tmp_path: Path, how: dict[str, str], says: str
) -> None:
    write_tasks(functions)
    sagas = write_saga(tmp_path / "sagas", **how)
    with pytest.raises(SagaDeclarationError, match=says):
        build(new_app(functions=str(functions), sagas=str(sagas)))
