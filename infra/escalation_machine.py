"""Escalation policies as a state machine in Amazon States Language. Pure: from backstay.toml to a document.

A policy's steps stand one after the other: wait, look whether the alert is still open, tell every channel of the step.
"""

from collections.abc import Iterator
from typing import Any

from backstay.alert_settings import AlertSettings, PolicySettings
from backstay.alerts.telling import ALERT_TASK, TENANT, key_of

Asl = dict[str, Any]

OVER, UNTOLD = "over", "untold"

_UNSENT = "$.unsent"
_RETRY = [
    {
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": 1,
        "MaxAttempts": 8,
        "BackoffRate": 2,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    }
]


def escalation_machine(settings: AlertSettings, table: str, queue_url: str) -> Asl:
    """The definition of the machine that escalates alerts.

    Args:
        settings: with policies and channels; a channel that isn't configured is passed over.
        table: the name of the table of alerts.
        queue_url: of the task that tells channels.
    """
    machine = _Machine(settings, table, queue_url)
    return {
        "Comment": "Tells one channel after the other of an alert, while it is open and nobody looks after it",
        "StartAt": "begin",
        "States": machine.states(),
    }


class _Machine:
    def __init__(self, settings: AlertSettings, table: str, queue_url: str) -> None:
        self._settings, self._table, self._queue_url = settings, table, queue_url

    def states(self) -> Asl:
        policies = {name: self._policy(name, policy) for name, policy in self._settings.policies.items()}
        starts = {name: next(iter(states), OVER) for name, states in policies.items()}
        begin = {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.policy", "StringEquals": name, "Next": start} for name, start in starts.items()
            ],
            "Default": starts["default"],
        }
        told = {name: state for states in policies.values() for name, state in states.items()}
        return {"begin": begin, **told, **_ends()}

    def _policy(self, name: str, policy: PolicySettings) -> Asl:
        """The states of a policy, in order; none where no channel of it is configured."""
        states: Asl = {}
        onward = OVER
        steps = list(self._steps(policy))
        befores = [0, *(minutes for minutes, _ in steps)]
        for (minutes, channels), before in reversed(list(zip(steps, befores, strict=False))):
            step = self._step(f"{name} {minutes} min", minutes - before, channels, onward)
            states, onward = step | states, next(iter(step))
        return states

    def _steps(self, policy: PolicySettings) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Minutes and channels of the steps that tell anybody."""
        for step in policy.steps:
            channels = [channel for named in step.channels for channel in self._settings.channels_of(named)]
            if channels:
                yield step.after_minutes, tuple(dict.fromkeys(channels))

    def _step(self, step: str, minutes: int, channels: tuple[str, ...], onward: str) -> Asl:
        look, tells = f"{step}: look", [f"{step}: {channel}" for channel in channels]
        states: Asl = {step: {"Type": "Wait", "Seconds": 60 * minutes, "Next": look}} if minutes else {}
        states[look] = self._look(f"{step}: open?")
        states[f"{step}: open?"] = _is_open(tells[0])
        for channel, here, following in zip(channels, tells, [*tells[1:], onward], strict=True):
            states[here] = self._tell(channel, following)
        return states

    def _look(self, onward: str) -> Asl:
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:getItem",
            "Parameters": {
                "TableName": self._table,
                "Key": {"id": {"S.$": "$.alert_id"}},
                "ConsistentRead": True,
                "ProjectionExpression": "#state",
                "ExpressionAttributeNames": {"#state": "state"},
            },
            "Retry": _RETRY,
            "ResultPath": "$.alert",
            "Next": onward,
        }

    def _tell(self, channel: str, onward: str) -> Asl:
        """Sends the job of one channel. Where even that can't be done, the other channels are told all the same."""
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {
                "QueueUrl": self._queue_url,
                "MessageGroupId": channel,
                "MessageBody": {
                    "task": ALERT_TASK,
                    "tenant": TENANT,
                    "idempotency_key.$": f"States.Format('{key_of('{}', 'open', channel)}', $.alert_id)",
                    "input": {"alert_id.$": "$.alert_id", "channel": channel, "about": "open"},
                },
            },
            "Retry": _RETRY,
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": _UNSENT, "Next": onward}],
            "ResultPath": "$.sent",  # CDK drops a null, by which the input would be lost
            "Next": onward,
        }


def _is_open(onward: str) -> Asl:
    is_there = {"Variable": "$.alert.Item.state.S", "IsPresent": True}
    is_open = {"Variable": "$.alert.Item.state.S", "StringEquals": "open"}
    return {"Type": "Choice", "Choices": [{"And": [is_there, is_open], "Next": onward}], "Default": OVER}


def _ends() -> Asl:
    return {
        OVER: {
            "Type": "Choice",
            "Choices": [{"Variable": _UNSENT, "IsPresent": True, "Next": UNTOLD}],
            "Default": "told",
        },
        UNTOLD: {"Type": "Fail", "Error": UNTOLD, "CausePath": f"States.JsonToString({_UNSENT})"},
        "told": {"Type": "Succeed"},
    }
