"""What follows the ledger of budgets: alerts at thresholds, jobs that go on, metrics that alarms stand on."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from backstay.budgets.items import PREFIX
from infra.code import WAKE_TASK, FunctionsFolder
from infra.function import Function, FunctionProps, Surroundings
from infra.layer import Layers
from infra.permissions import acknowledge
from infra.queue_alarms import watch_dead_letters
from infra.reach import Reach
from infra.task_queue import encrypted_queue

_BATCH = 500
_GATHER_S = 5
_RETRIES = 10


@dataclass(frozen=True, slots=True)
class LedgerProps:
    """What follows the ledger."""

    folder: FunctionsFolder
    layers: Layers
    reach: Reach


class Ledger(Construct):
    """The function that the guards table's stream feeds. Only budgets' items come to it, many at once."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: LedgerProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        function = Function(
            self,
            "Follow",
            around,
            FunctionProps(
                name="follow-ledger",
                description="Follows the ledger of budgets: thresholds, raised limits, metrics",
                handler="follow_ledger.handler.handler",
                code=props.folder.code_of_function("follow_ledger"),
                layers=[props.layers.common],
                timeout_s=60,
                memory_mb=256,
            ),
        )
        self._follow(function, around, props)
        self._grant(function, props.reach)

    def _follow(self, function: Function, around: Surroundings, props: LedgerProps) -> None:
        dead = encrypted_queue(self, "Dead", "follow-ledger-dead", around.stage, around.encryption)
        acknowledge(dead, "SQS3", "is itself where failures go")
        watch_dead_letters(around.alarms, "follow-ledger", dead)
        function.lambda_function.add_event_source(
            sources.DynamoEventSource(
                props.reach.storage.guards,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=_BATCH,
                max_batching_window=Duration.seconds(_GATHER_S),
                bisect_batch_on_error=True,  # nothing is done twice, and one bad record holds up few others
                retry_attempts=_RETRIES,
                on_failure=sources.SqsDlq(dead),
                filters=[lambda_.FilterCriteria.filter({"dynamodb": {"Keys": {"id": {"S": [{"prefix": PREFIX}]}}}})],
            )
        )
        acknowledge(function.role, "IAM5[Resource::*]", "dynamodb:ListStreams takes no resource; it only lists")
        for action in ("kms:GenerateDataKey*", "kms:ReEncrypt*"):
            acknowledge(function.role, f"IAM5[Action::{action}]", "CDK's grant for the queue of failures, on one key")

    def _grant(self, function: Function, reach: Reach) -> None:
        role = function.role
        reach.storage.let_work_on_jobs(role)
        reach.storage.let_search_jobs(role)
        reach.storage.let_work_on_alerts(role)
        reach.let_tell(role)
        reach.queues[WAKE_TASK].let_send(role)
