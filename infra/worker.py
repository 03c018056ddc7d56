"""A task's worker: the Lambda that runs its jobs, what feeds it, and what it may reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from backstay.catalog import AnyTask
from backstay.task import BATCH_WINDOW_S
from infra.code import WEBHOOK_TASK, FunctionsFolder
from infra.function import Function, FunctionProps, Surroundings
from infra.layer import Layers
from infra.reach import Reach
from infra.task_queue import TaskQueue


@dataclass(frozen=True, slots=True)
class WorkerProps:
    """What a worker is made of."""

    task: AnyTask
    queue: TaskQueue
    folder: FunctionsFolder
    layers: Layers
    reach: Reach
    environment: Mapping[str, str] = field(default_factory=dict)
    """On top of what all functions share."""


class Worker(Construct):
    """One task's worker. No concurrency is reserved: the event source's maximum bounds it, and the account's pool stays
    whole."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: WorkerProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        task = props.task
        layers = [props.layers.common, *([props.layers.llm] if "llm" in task.uses else [])]
        function = Function(
            self,
            "Worker",
            around,
            FunctionProps(
                name=task.name,
                description=f"Runs jobs of task {task.name}",
                handler="backstay.jobs.entry.handler",
                code=props.folder.code_of_task(task),
                layers=layers,
                timeout_s=task.limits.function_timeout_s,
                memory_mb=task.limits.memory_mb,
                environment={"BACKSTAY_TASK": task.name, **props.environment},
                task=task.name,
            ),
        )
        _feed(function, props)
        _grant(function.role, props)


def _feed(function: Function, props: WorkerProps) -> None:
    limits = props.task.limits
    for queue in props.queue.queues.values():
        function.lambda_function.add_event_source(
            sources.SqsEventSource(
                queue,
                batch_size=limits.batch_size,
                max_batching_window=Duration.seconds(BATCH_WINDOW_S),
                max_concurrency=limits.max_workers,
                report_batch_item_failures=True,
            )
        )


def _grant(role: iam.Role, props: WorkerProps) -> None:
    reach = props.reach
    reach.storage.let_work_on_jobs(role)
    reach.storage.let_keep_payloads(role)
    reach.schedules.let_schedule(role)
    reach.let_answer_steps(role)
    reach.let_announce(role)
    reach.let_trace(role)
    props.queue.let_send(role)
    props.queue.let_bury(role)
    reach.queues[WEBHOOK_TASK].let_send(role)
    for use in props.task.uses:
        reach.grant(use, role)
