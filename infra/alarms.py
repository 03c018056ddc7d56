"""Alarms, and the topic that they and other news for people speak to."""

from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from backstay.config import CreditSettings
from backstay.telemetry import NAMESPACE
from infra.encryption import Encryption
from infra.stage import Stage

_PERIOD = Duration.minutes(5)

_HOUR = Duration.hours(1)
_CHECKS_MAY_FAIL = 2  # in a row
_ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_IS_FINE = cloudwatch.TreatMissingData.NOT_BREACHING
_STAYS = cloudwatch.TreatMissingData.IGNORE
"""What is measured once an hour may be missing for one, which is no news."""


@dataclass(frozen=True, slots=True)
class _Limit:
    """Where an alarm begins."""

    value: float
    alarms: cloudwatch.ComparisonOperator = _ABOVE
    missing: cloudwatch.TreatMissingData = _IS_FINE


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
        self._add(f"{name}-deep", depth, _Limit(DEEP), 2, f"more than {DEEP} messages have waited for ten minutes")
        age = queue.metric_approximate_age_of_oldest_message(period=_PERIOD, statistic="Maximum")
        self._add(
            f"{name}-old", age, _Limit(OLD_S), 1, f"the oldest message has waited for more than {OLD_S // 60} minutes"
        )

    def watch_dead_letters(self, name: str, queue: sqs.IQueue) -> None:
        """Tell when a message lies in a dead letter queue."""
        depth = queue.metric_approximate_number_of_messages_visible(period=_PERIOD, statistic="Maximum")
        self._add(
            f"{name}-dead-letters", depth, _Limit(0), 1, "messages lie in the dead letter queue: 'backstay dlq ls'"
        )

    def watch_function(self, name: str, function: lambda_.IFunction) -> None:
        """Tell when a function crashes or is stopped at its timeout. A job that fails is no crash."""
        errors = function.metric_errors(period=_PERIOD, statistic="Sum")
        self._add(f"{name}-errors", errors, _Limit(0), 1, "the function crashed or ran out of time or memory")

    def watch_credit(self, provider: str, credit: CreditSettings) -> None:
        """Tell when a provider's credit runs low, when much is spent in a day, and when nobody knows."""
        remaining = _of_provider("CreditsRemaining", provider)
        for name, below in (("low", credit.warn_below_usd), ("critical", credit.critical_below_usd)):
            meaning = f"less than ${below} is left at {provider}; top it up"
            limit = _Limit(float(below), _BELOW, _STAYS)
            self._add(f"{provider}-credit-{name}", remaining, limit, 1, meaning)
        spent, above = _of_provider("CreditsUsedToday", provider), credit.warn_above_usd_a_day
        meaning = f"more than ${above} was spent at {provider} today"
        self._add(f"{provider}-credit-spent", spent, _Limit(float(above), missing=_STAYS), 1, meaning)
        failed = _of_provider("CreditChecksFailedInARow", provider)
        meaning = f"three checks of {provider}'s credit have failed in a row: 'backstay providers ls' says why"
        self._add(f"{provider}-credit-unknown", failed, _Limit(_CHECKS_MAY_FAIL, missing=_STAYS), 1, meaning)

    def _add(self, name: str, metric: cloudwatch.Metric, limit: _Limit, periods: int, meaning: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{self._stage.prefix}{name}",
            alarm_description=f"{name}: {meaning}",
            metric=metric,
            threshold=limit.value,
            evaluation_periods=periods,
            comparison_operator=limit.alarms,
            treat_missing_data=limit.missing,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)


def _of_provider(name: str, provider: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"Provider": provider},
        period=_HOUR,
        statistic="Maximum",
    )
