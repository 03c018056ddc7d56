"""A saga's state machine: what it is defined by, who may read its log, and what it may send."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from backstay.catalog import AnyTask
from backstay.workflows.saga import Approval, Saga, SagaDeclarationError, Step, WaitForSignal
from infra.encryption import Encryption
from infra.permissions import acknowledge
from infra.stage import Stage
from infra.state_machine import AWAIT_TASK, SETTLE_TASK, Ground, state_machine
from infra.task_queue import TaskQueue


@dataclass(frozen=True, slots=True)
class SagaProps:
    """What a saga is made of."""

    saga: Saga
    stage: Stage
    encryption: Encryption
    tasks: Mapping[str, AnyTask]
    queues: Mapping[str, TaskQueue]
    """By the task's name."""


class SagaMachine(Construct):
    """One saga. It sends to the queues of its tasks, and may do nothing else."""

    def __init__(self, scope: Construct, id: str, props: SagaProps) -> None:  # noqa: A002 - the field's word
        super().__init__(scope, id)
        saga, stage = props.saga, props.stage
        self._role = iam.Role(
            self,
            "Role",
            description=f"Runs saga {saga.name}",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
        )
        definition = state_machine(saga, Ground(props.tasks, lambda queue: _url(props.queues, queue)))
        sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=f"{stage.prefix}{saga.name}",
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(Stack.of(self).to_json_string(definition)),
            role=self._role,
            logs=sfn.LogOptions(
                destination=self._log_group(props), level=sfn.LogLevel.ALL, include_execution_data=False
            ),
            tracing_enabled=True,
            removal_policy=stage.removal,
        )
        self._grant(props)

    def _log_group(self, props: SagaProps) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "Logs",
            # States' own prefix: the resource policy of logs, which ends at 5,120 characters, names it once.
            log_group_name=f"/aws/vendedlogs/states/{props.stage.prefix}{props.saga.name}",
            retention=props.stage.log_retention,
            encryption_key=props.encryption.key,
            removal_policy=props.stage.removal,
        )

    def _grant(self, props: SagaProps) -> None:
        for task in tasks_of(props.saga):
            props.queues[task].let_send(self._role)
        props.encryption.let_use(self._role, "sqs")
        reason = "deliveries of logs and segments of traces take no resource"
        acknowledge(self._role, "IAM5[Resource::*]", reason)


def tasks_of(saga: Saga) -> tuple[str, ...]:
    """The tasks that a saga's state machine sends to, Backstay's own among them."""
    names = set(saga.tasks())
    names |= {SETTLE_TASK} if any(isinstance(step, Step) for step in saga.steps) else set()
    names |= {AWAIT_TASK} if any(isinstance(step, Approval | WaitForSignal) for step in saga.steps) else set()
    return tuple(sorted(names))


def check_tasks(saga: Saga, known: Mapping[str, AnyTask]) -> None:
    """See to it that there is every task that a saga sends to.

    Raises:
        SagaDeclarationError: lists those that there are.
    """
    if missing := sorted(set(tasks_of(saga)) - set(known)):
        raise SagaDeclarationError(f"saga {saga.name}: there is no task {missing}; the tasks are {sorted(known)}")


def _url(queues: Mapping[str, TaskQueue], name: str) -> str:
    return next(queue.queues[name].queue_url for queue in queues.values() if name in queue.queues)
