"""Alarms, named after their rule and what they watch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from backstay.alerts.alarm_names import alarm_name
from backstay.alerts.rules import Rule
from infra.alarm_topic import topic_of
from infra.stage import Stage

ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
IS_FINE = cloudwatch.TreatMissingData.NOT_BREACHING
STAYS = cloudwatch.TreatMissingData.IGNORE
"""What is measured now and then only: nothing measured is no news."""

_AT_ONCE_MIN = 1


@dataclass(frozen=True, slots=True)
class Condition:
    """When an alarm begins. Without math: an alarm over one metric costs a tenth of a dollar, math as much for each."""

    metric: cloudwatch.Metric
    """Its period is set by the rule's minutes."""
    text: str
    """What people are told, with what to do."""
    limit: float
    begins: cloudwatch.ComparisonOperator = ABOVE
    missing: cloudwatch.TreatMissingData = IS_FINE
    periods: int = 1
    """In how many parts of the rule's minutes it must hold, each by itself."""
    minutes: int = _AT_ONCE_MIN
    """For rules that have none."""


class Alarms(Construct):
    """Every alarm goes to one topic, and so does its end."""

    def __init__(self, scope: Construct, id: str, stage: Stage, rules: Mapping[str, Rule]) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.stage, self.rules = stage, rules
        self._action = actions.SnsAction(topic_of(self, stage))

    def limit_of(self, name: str) -> float:
        """Where a rule with a threshold begins."""
        threshold = self.rules[name].threshold
        if threshold is None:
            raise ValueError(f"rule {name} has no threshold")
        return threshold

    def add(self, name: str, source: str, condition: Condition) -> None:
        """Raise a rule's alert about a source while the condition holds; nothing is made of a rule that is off."""
        rule = self.rules[name]
        if not rule.enabled:
            return
        period = math.ceil((rule.minutes or condition.minutes) / condition.periods)
        alarm = cloudwatch.Alarm(
            self,
            f"{name}/{source}".replace("/", "-"),
            alarm_name=alarm_name(self.stage.prefix, name, source),
            alarm_description=rule.text or condition.text,
            metric=condition.metric.with_(period=Duration.minutes(period)),
            threshold=condition.limit,
            evaluation_periods=condition.periods,
            comparison_operator=condition.begins,
            treat_missing_data=condition.missing,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)


def plain(number: float) -> str:
    """A limit as people write it."""
    return f"{number:,.10g}"
