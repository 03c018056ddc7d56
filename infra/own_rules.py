"""Rules that a team has written into backstay.toml: an alarm for each metric, a rule of the bus for each event."""

import re
from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from backstay.alert_settings import AlertSettings, EventSettings, RuleSettings
from backstay.alerts.announcing import sources_of
from backstay.alerts.rules import Rule
from infra.alarms import ABOVE, BELOW, Alarms, Condition
from infra.stage import Stage

_NOT_IN_SOURCES = re.compile(r"[^A-Za-z0-9_.:-]+")


def watch_own_metrics(alarms: Alarms, settings: AlertSettings) -> None:
    """Raise an alert while a metric is where the team says that it must not be."""
    for name, own in settings.rules.items():
        if own.metric:
            alarms.add(name, _source_of(own), _condition(alarms.rules[name], own))


def _source_of(own: RuleSettings) -> str:
    return _NOT_IN_SOURCES.sub("-", ".".join([own.metric or "", *own.dimensions.values()]))


def _condition(rule: Rule, own: RuleSettings) -> Condition:
    metric = cloudwatch.Metric(
        namespace=own.namespace,
        metric_name=own.metric or "",
        dimensions_map=dict(own.dimensions) or None,
        statistic=own.statistic,
    )
    limit, begins = (own.above, ABOVE) if own.above is not None else (own.below, BELOW)
    text = f"{rule.condition} for {rule.minutes} minutes: {own.dimensions or own.namespace}"
    return Condition(metric, text, float(limit or 0), begins)


def hear_own_events(
    scope: Construct, stage: Stage, settings: AlertSettings, rules: Mapping[str, Rule], router: lambda_.IFunction
) -> None:
    """Hand events of the account's default bus to whoever routes alerts, in the form that our own have."""
    for name, own in settings.rules.items():
        if own.event and own.enabled:
            _hear(scope, stage, rules[name], own.event, router)


def shaped(stage: Stage, rule: Rule, source: str, text: str, details: Mapping[str, str]) -> events.RuleTargetInput:
    """Any event of the bus in the form that our own have.

    Args:
        stage: whose alert it becomes.
        rule: under which rule.
        source: what it is about, or the field of the event that says so.
        text: one sentence for a person.
        details: what else helps to find out, or fields of the event.
    """
    return events.RuleTargetInput.from_object(
        {
            "id": events.EventField.event_id,
            "time": events.EventField.time,
            "source": f"{sources_of(stage.name)}{rule.category}",
            "detail-type": rule.name,
            "detail": {"rule": rule.name, "source": source, "text": text, "details": dict(details)},
        }
    )


def _hear(scope: Construct, stage: Stage, rule: Rule, wanted: EventSettings, router: lambda_.IFunction) -> None:
    text = rule.text or f"{rule.condition[:1].upper()}{rule.condition[1:]} has come"
    as_ours = shaped(stage, rule, events.EventField.source, text, {"event": events.EventField.detail_type})
    events.Rule(
        scope,
        rule.name,
        description=f"Alerts by the team's own rule {rule.name}",
        event_pattern=events.EventPattern(
            source=list(wanted.source),
            detail_type=list(wanted.detail_type) or None,
            detail=dict(wanted.detail) or None,
        ),
        targets=[targets.LambdaFunction(router, event=as_ours)],
    )
