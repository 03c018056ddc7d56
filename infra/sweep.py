"""The sweeper: every few minutes it mends what a crash left between table and queue."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.code import FunctionsFolder
from infra.function import Function, FunctionProps, Surroundings
from infra.layer import Layers
from infra.reach import Reach

_EVERY_MIN = 5
_TIMEOUT_S = 240  # less than its period, so that two never run side by side


@dataclass(frozen=True, slots=True)
class SweepProps:
    """What the sweeper is made of."""

    folder: FunctionsFolder
    layers: Layers
    reach: Reach


class Sweep(Construct):
    """The sweeper and its clock."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: SweepProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        function = Function(
            self,
            "Sweep",
            around,
            FunctionProps(
                name="sweep",
                description="Sends what waits without a message, ends lapsed leases, tidies dead letters",
                handler="sweep.handler.handler",
                code=props.folder.code_of_function("sweep"),
                layers=[props.layers.common],
                timeout_s=_TIMEOUT_S,
                retries=0,  # the next round comes soon
            ),
        )
        target = targets.LambdaFunction(function.lambda_function, retry_attempts=0, max_event_age=Duration.minutes(1))
        events.Rule(self, "Clock", schedule=events.Schedule.rate(Duration.minutes(_EVERY_MIN)), targets=[target])
        reach, role = props.reach, function.role
        reach.storage.let_work_on_jobs(role)
        reach.storage.let_keep_payloads(role)
        reach.storage.let_guard(role)
        reach.storage.let_settle_lapsed_leases(role)
        reach.let_handle_dead_letters(role)
        reach.let_answer_steps(role)
