"""What watches over runs of sagas, and the rules by which it hears of them."""

from dataclasses import dataclass

from aws_cdk import ArnFormat, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.code import FunctionsFolder
from infra.function import Function, FunctionProps, Surroundings
from infra.layer import Layers
from infra.live import Live
from infra.reach import Reach

_EVERY_MIN = 5
_TIMEOUT_S = 240  # less than its period, so that two rounds never run side by side
_STATUS_EVENT = "Step Functions Execution Status Change"


@dataclass(frozen=True, slots=True)
class WatchProps:
    """What the watch is made of."""

    folder: FunctionsFolder
    layers: Layers
    reach: Reach
    live: Live


class Watch(Construct):
    """The watch, its clock, and what Step Functions tells it."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: WatchProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        function = Function(
            self,
            "Watch",
            around,
            FunctionProps(
                name="watch-workflows",
                description="Keeps records of runs up to date, and finds what is stuck",
                handler="watch_workflows.handler.handler",
                code=props.folder.code_of_function("watch_workflows"),
                layers=[props.layers.common],
                timeout_s=_TIMEOUT_S,
                retries=2,  # for status events; what is lost all the same, the next rounds find out
            ),
        )
        reach = props.reach
        reach.let_run_sagas(function.role)
        reach.let_announce(function.role)
        reach.storage.let_work_on_jobs(function.role)
        reach.storage.let_keep_payloads(function.role)
        props.live.let_tell(function.role)
        self._listen(function, reach)

    def _listen(self, function: Function, reach: Reach) -> None:
        once = targets.LambdaFunction(function.lambda_function, retry_attempts=0, max_event_age=Duration.minutes(1))
        events.Rule(self, "Clock", schedule=events.Schedule.rate(Duration.minutes(_EVERY_MIN)), targets=[once])
        machines = reach.stack.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=reach.stage.prefix,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        events.Rule(
            self,
            "Statuses",
            description="Executions of this stage's sagas begin and end",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=[_STATUS_EVENT],
                detail={"stateMachineArn": events.Match.prefix(machines)},
            ),
            targets=[targets.LambdaFunction(function.lambda_function, max_event_age=Duration.hours(1))],
        )
