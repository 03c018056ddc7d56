"""The hourly check of providers' credit, and its alarms."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.code import FunctionsFolder
from infra.function import Function, FunctionProps, Surroundings
from infra.layer import Layers
from infra.provider_alarms import watch_credit, watch_what_is_left
from infra.reach import Reach

_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class CreditsProps:
    """What the check is made of."""

    folder: FunctionsFolder
    layers: Layers
    reach: Reach


class Credits(Construct):
    """The check, its clock, and alarms for every provider that can be asked."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: CreditsProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        function = Function(
            self,
            "Check",
            around,
            FunctionProps(
                name="check-credits",
                description="Asks providers for their credit, and tells when it runs low",
                handler="check_credits.handler.handler",
                code=props.folder.code_of_function("check_credits"),
                layers=[props.layers.common],
                timeout_s=_TIMEOUT_S,
                retries=0,  # the next round tells; three failed ones are an alarm
            ),
        )
        target = targets.LambdaFunction(function.lambda_function, retry_attempts=0, max_event_age=Duration.minutes(5))
        events.Rule(self, "Clock", schedule=events.Schedule.rate(Duration.hours(1)), targets=[target])
        props.reach.let_check_credits(function.role)
        props.reach.let_announce(function.role)
        settings = props.reach.config
        for name, provider in settings.providers.items():
            if provider.kind == "openrouter":
                watch_credit(around.alarms, name, settings.credits)
            else:
                watch_what_is_left(around.alarms, name, settings.credits)
