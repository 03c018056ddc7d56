"""What follows the jobs table's stream: counters, and whatever else is derived from a job's change of state."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from infra.code import FunctionsFolder
from infra.function import Function, FunctionProps, Surroundings
from infra.layer import Layers
from infra.permissions import acknowledge
from infra.queue_alarms import watch_dead_letters
from infra.reach import Reach
from infra.task_queue import encrypted_queue

_BATCH = 200  # a transaction costs by its items, and most changes of a batch meet in the same few
_GATHER_S = 2
_RETRIES = 10


@dataclass(frozen=True, slots=True)
class ChangesProps:
    """What follows changes."""

    folder: FunctionsFolder
    layers: Layers
    reach: Reach


class Changes(Construct):
    """The stream's function. A record that it can't digest is set aside, so that it holds up no other."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: ChangesProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        function = Function(
            self,
            "Changes",
            around,
            FunctionProps(
                name="follow-changes",
                description="Follows the jobs table's stream: counters",
                handler="follow_changes.handler.handler",
                code=props.folder.code_of_function("follow_changes"),
                layers=[props.layers.common],
                timeout_s=60,
                memory_mb=256,
            ),
        )
        self._follow(function, around, props)

    def _follow(self, function: Function, around: Surroundings, props: ChangesProps) -> None:
        dead = encrypted_queue(self, "Dead", "follow-changes-dead", around.stage, around.encryption)
        acknowledge(dead, "SQS3", "is itself where failures go")
        watch_dead_letters(around.alarms, "follow-changes", dead)
        function.lambda_function.add_event_source(
            sources.DynamoEventSource(
                props.reach.storage.jobs,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=_BATCH,
                max_batching_window=Duration.seconds(_GATHER_S),
                bisect_batch_on_error=False,  # halves of a batch that was counted already would count twice
                retry_attempts=_RETRIES,
                on_failure=sources.SqsDlq(dead),
                filters=[lambda_.FilterCriteria.filter({"dynamodb": {"Keys": {"part": {"S": ["state"]}}}})],
            )
        )
        acknowledge(function.role, "IAM5[Resource::*]", "dynamodb:ListStreams takes no resource; it only lists")
        for action in ("kms:GenerateDataKey*", "kms:ReEncrypt*"):
            acknowledge(function.role, f"IAM5[Action::{action}]", "CDK's grant for the queue of failures, on one key")
        props.reach.storage.let_work_on_jobs(function.role)
        props.reach.let_announce(function.role)
