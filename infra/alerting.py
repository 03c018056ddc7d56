"""What alarms and our own events go through on their way to people."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from backstay.alerts.announcing import sources_of
from backstay.alerts.telling import ESCALATION
from infra.code import FunctionsFolder
from infra.function import Function, FunctionProps, Surroundings
from infra.function_alarms import CRASHED
from infra.layer import Layers
from infra.live import Live
from infra.measures import dead_queue_of
from infra.own_rules import hear_own_events, shaped
from infra.permissions import acknowledge
from infra.queue_alarms import watch_dead_letters
from infra.reach import Reach
from infra.task_queue import encrypted_queue

_EVERY_MIN = 1
_TIMEOUT_S = 50  # less than its period, so that two rounds never run side by side
_RETRIES = 2


@dataclass(frozen=True, slots=True)
class AlertingProps:
    """What it is made of."""

    folder: FunctionsFolder
    layers: Layers
    reach: Reach
    topic: sns.ITopic
    """Where alarms speak."""
    live: Live


class Alerting(Construct):
    """The function that routes alerts, what it listens to, and its clock."""

    def __init__(self, scope: Construct, id: str, around: Surroundings, props: AlertingProps) -> None:  # noqa: A002
        super().__init__(scope, id)
        function = Function(
            self,
            "Route",
            around,
            FunctionProps(
                name="route-alerts",
                description="Makes alerts of alarms and events, and hands them on to people",
                handler="route_alerts.handler.handler",
                code=props.folder.code_of_function("route_alerts"),
                layers=[props.layers.common],
                timeout_s=_TIMEOUT_S,
                memory_mb=256,
            ),
        )
        self._keep_what_fails(function, around)
        props.reach.storage.let_work_on_alerts(function.role)
        props.reach.let_tell(function.role)
        props.live.let_tell(function.role)
        self._listen(function, around, props.topic)
        config = props.reach.config
        hear_own_events(self, around.stage, config.alerts, around.alarms.rules, function.lambda_function)
        self._hear_of_failed_escalations(function, around, props.reach.escalation.arn)

    def _hear_of_failed_escalations(self, function: Function, around: Surroundings, machine: str) -> None:
        """An alert all the same: a single one for all of them, so that a machine that fails always begins no circle."""
        rule = around.alarms.rules[CRASHED]
        text = "The escalation of an alert has failed: people may not have been told. See which: backstay alerts ls"
        execution = events.EventField.from_path("$.detail.name")
        as_ours = shaped(around.stage, rule, ESCALATION, text, {"alert": execution})
        events.Rule(
            self,
            "Escalations",
            description="Escalations of alerts that failed",
            enabled=rule.enabled,
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={"stateMachineArn": [machine], "status": ["FAILED", "TIMED_OUT"]},
            ),
            targets=[targets.LambdaFunction(function.lambda_function, event=as_ours)],
        )

    def _keep_what_fails(self, function: Function, around: Surroundings) -> None:
        dead = encrypted_queue(self, "Dead", dead_queue_of("route-alerts"), around.stage, around.encryption)
        acknowledge(dead, "SQS3", "is itself where failures go")
        watch_dead_letters(around.alarms, "route-alerts")
        function.lambda_function.configure_async_invoke(
            retry_attempts=_RETRIES, on_failure=destinations.SqsDestination(dead)
        )
        for action in ("kms:GenerateDataKey*", "kms:ReEncrypt*"):
            acknowledge(function.role, f"IAM5[Action::{action}]", "CDK's grant for the queue of failures, on one key")

    def _listen(self, function: Function, around: Surroundings, topic: sns.ITopic) -> None:
        topic.add_subscription(subscriptions.LambdaSubscription(function.lambda_function))
        once = targets.LambdaFunction(function.lambda_function, retry_attempts=0, max_event_age=Duration.minutes(1))
        events.Rule(self, "Clock", schedule=events.Schedule.rate(Duration.minutes(_EVERY_MIN)), targets=[once])
        events.Rule(
            self,
            "Events",
            description="What functions of this stage have to tell people",
            event_pattern=events.EventPattern(source=events.Match.prefix(sources_of(around.stage.name))),
            targets=[targets.LambdaFunction(function.lambda_function)],
        )
