"""Hands on what people are to be told of an alert: the begin of its escalation, or that it is looked after or over."""

import json
from collections.abc import Iterable

from backstay import aws
from backstay.alert_settings import AlertSettings
from backstay.alerts.alert import Alert, AlertState, DeliveryState
from backstay.jobs.keys import SYSTEM_TENANT
from backstay.settings import Environment

ALERT_TASK = "deliver-alert"
"""The task by which channels are told."""

ESCALATION = "escalate-alert"
"""The state machine that tells one channel after the other, while nobody looks after the alert."""


TENANT = SYSTEM_TENANT
"""Whose jobs the messages are."""


class Telling:
    """Tells of the alerts of one stage. Harmless when repeated.

    Args:
        env: where to.
        settings: channels, policies and rules.
    """

    def __init__(self, env: Environment, settings: AlertSettings) -> None:
        self._env, self._settings = env, settings

    def tell(self, alert: Alert) -> None:
        """Hand on the state that an alert is in.

        Raises:
            ClientError, BotoCoreError: AWS did not take it; tell again.
        """
        if alert.state is AlertState.OPEN:
            self._escalate(alert)
            return
        for channel in self._channels_to_tell(alert):
            self._send(alert, channel)

    def _escalate(self, alert: Alert) -> None:
        rule = self._settings.rules.get(alert.rule)
        policy = self._settings.policy_of(alert.category, alert.severity.value, rule.policy if rule else None)
        told = {"alert_id": alert.id, "policy": policy}
        machines = aws.stepfunctions()
        try:
            machines.start_execution(
                stateMachineArn=self._env.state_machine_arn_prefix + ESCALATION, name=alert.id, input=json.dumps(told)
            )
        except machines.exceptions.ExecutionAlreadyExists:
            return  # it has begun before

    def _channels_to_tell(self, alert: Alert) -> Iterable[str]:
        """Those that have had the alert, or may have had it. PagerDuty alone hears that somebody looks after it."""
        for channel, delivery in alert.deliveries.items():
            settings = self._settings.channels.get(channel)
            if settings is None or delivery.state is DeliveryState.FAILED:
                continue
            if alert.is_over or settings.kind == "pagerduty":
                yield channel

    def _send(self, alert: Alert, channel: str) -> None:
        about = str(alert.state)
        message = {
            "task": ALERT_TASK,
            "tenant": TENANT,
            "idempotency_key": key_of(alert.id, about, channel),
            "input": {"alert_id": alert.id, "channel": channel, "about": about},
        }
        aws.sqs().send_message(
            QueueUrl=self._env.queue_url(ALERT_TASK), MessageBody=json.dumps(message), MessageGroupId=channel
        )


def key_of(alert_id: str, about: str, channel: str) -> str:
    """The idempotency key of a message: however often it is handed on, it is one job."""
    return f"{alert_id}#{about}#{channel}"
