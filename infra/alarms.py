"""Alarms, and the topic that they speak to."""

from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.encryption import Encryption
from infra.stage import Stage

_PERIOD = Duration.minutes(5)

DEEP = 1000
"""Messages that wait in a queue, for ten minutes, before somebody should look."""

OLD_S = 3600
"""Age of the oldest message, in seconds. Retries stay in the queue for up to 15 minutes each, which is no alarm yet."""


@dataclass(frozen=True, slots=True)
class AlarmsProps:
    """What alarms are made for."""

    stage: Stage
    encryption: Encryption


class Alarms(Construct):
    """Watches queues and functions. Every alarm goes to one topic, and so does its end."""

    def __init__(self, scope: Construct, id: str, props: AlarmsProps) -> None:  # noqa: A002 - the field's word
        super().__init__(scope, id)
        self._stage = props.stage
        self.topic = sns.Topic(self, "Topic", master_key=props.encryption.key, enforce_ssl=True)
        # A topic with a policy of its own loses the default one, by which alarms of the same account may publish.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        self._action = actions.SnsAction(self.topic)

    def watch_queue(self, name: str, queue: sqs.IQueue) -> None:
        """Tell when a queue is deep, or when its oldest message is old."""
        depth = queue.metric_approximate_number_of_messages_visible(period=_PERIOD, statistic="Maximum")
        self._add(f"{name}-deep", depth, DEEP, 2, f"more than {DEEP} messages have waited for ten minutes")
        age = queue.metric_approximate_age_of_oldest_message(period=_PERIOD, statistic="Maximum")
        self._add(f"{name}-old", age, OLD_S, 1, f"the oldest message has waited for more than {OLD_S // 60} minutes")

    def watch_dead_letters(self, name: str, queue: sqs.IQueue) -> None:
        """Tell when a message lies in a dead letter queue."""
        depth = queue.metric_approximate_number_of_messages_visible(period=_PERIOD, statistic="Maximum")
        self._add(f"{name}-dead-letters", depth, 0, 1, "messages lie in the dead letter queue: 'backstay dlq ls'")

    def watch_function(self, name: str, function: lambda_.IFunction) -> None:
        """Tell when a function crashes or is stopped at its timeout. A job that fails is no crash."""
        errors = function.metric_errors(period=_PERIOD, statistic="Sum")
        self._add(f"{name}-errors", errors, 0, 1, "the function crashed or ran out of time or memory")

    def _add(self, name: str, metric: cloudwatch.Metric, above: float, periods: int, meaning: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{self._stage.prefix}{name}",
            alarm_description=f"{name}: {meaning}",
            metric=metric,
            threshold=above,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
