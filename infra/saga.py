"""A saga's state machine: what it is defined by, and what it may send."""

from collections.abc import Mapping
from dataclasses import dataclass

from constructs import Construct

from backstay.catalog import AnyTask
from backstay.workflows.saga import Approval, Saga, SagaDeclarationError, Step, WaitForSignal
from infra.encryption import Encryption
from infra.machine import Machine, MachineProps
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


class SagaMachine(Machine):
    """One saga. It sends to the queues of its tasks, and may do nothing else."""

    def __init__(self, scope: Construct, id: str, props: SagaProps) -> None:  # noqa: A002 - the field's word
        saga = props.saga
        definition = state_machine(saga, Ground(props.tasks, lambda queue: _url(props.queues, queue)))
        made_of = MachineProps(saga.name, f"Runs saga {saga.name}", definition, props.stage, props.encryption)
        super().__init__(scope, id, made_of)
        for task in tasks_of(saga):
            props.queues[task].let_send(self.role)
        props.encryption.let_use(self.role, "sqs")


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
