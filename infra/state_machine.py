"""A saga as a state machine in Amazon States Language. Pure: from a declaration to a document.

Forward, each step has a gate (`generate?`) that leaves it out where it was done before or isn't wanted, and a state
that sends its job and waits. Backward, from the step that failed: it is settled (nobody knows yet whether it had its
effect), and every step before it that was done is undone, in reverse. In mode `abort` the whole way back is gone from
the last step, and whatever was not done is settled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from backstay.catalog import AnyTask
from backstay.workflows.conditions import Both, Comparison, Condition, Either, Not, Operator, PreApproved
from backstay.workflows.saga import AnyStep, Approval, Saga, Step, Undo

SETTLE_TASK, AWAIT_TASK = "settle-step", "await-signal"

Asl = dict[str, Any]

_WAITS = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
_LONGEST_QUEUEING_S, _LONGEST_BACKOFF_S = 86_400, 900
_SENDING_ERRORS = ("SQS.SdkClientException", "SQS.AmazonSQSException", "SQS.AmazonServiceException")
_COMPLETED, _ENDED = "completed", "ended"
_FAILURE = "$.failure"


@dataclass(frozen=True, slots=True)
class Ground:
    """What sagas stand on."""

    tasks: Mapping[str, AnyTask]
    queue_url: Callable[[str], str]
    """By the queue's name without stage."""


def state_machine(saga: Saga, ground: Ground) -> Asl:
    """The definition of a saga's state machine."""
    return {
        "Comment": saga.description or f"Saga {saga.name}",
        "StartAt": "begin",
        "States": _Machine(saga, ground).states(),
    }


class _Machine:
    def __init__(self, saga: Saga, ground: Ground) -> None:
        self._saga, self._ground, self._steps = saga, ground, tuple(saga.steps)

    def states(self) -> Asl:
        last = self._back(len(self._steps) - 1)
        states: Asl = {
            "begin": _choice(
                [_equals("$.mode", "do") | {"Next": self._gate(0)}, _go(_present(_FAILURE), last)], "called off"
            ),
            "called off": _note({"Error": "aborted", "Cause": "called off"}, _FAILURE, last),
        }
        for position, step in enumerate(self._steps):
            states |= self._forward(position, step)
            states |= self._backward(position, step) if isinstance(step, Step) else {}
        return states | _ends()

    def _forward(self, position: int, step: AnyStep) -> Asl:
        onward = self._gate(position + 1)
        reasons = [_go(_present(f"$.steps.{step.name}"), onward)]
        if step.when:
            reasons.append({"Not": rule_of(step.when), "Next": onward})
        gate = {self._gate(position): _choice(reasons, step.name)}
        if isinstance(step, Step):
            body = self._message("do", step, step.task, step.mapping, self._saga.facts_of(step.name))
            work = self._wait_for(step.task, body, f"$.steps.{step.name}", onward)
            return gate | {step.name: work | {"Catch": [_catch(_FAILURE, f"settle {step.name}")]}}
        return gate | self._waiting(position, step, onward)

    def _waiting(self, position: int, step: AnyStep, onward: str) -> Asl:
        """A state that waits for an event; a refusal is told apart from other failures."""
        back, refused = self._back(position - 1), f"{step.name} refused"
        body = _event_message(step)
        work = self._wait_for(AWAIT_TASK, body, f"$.steps.{step.name}", onward)
        work["TimeoutSeconds"] = body["input"]["timeout_s"]
        if not isinstance(step, Approval):
            return {step.name: work | {"Catch": [_catch(_FAILURE, back)]}}
        catches = [_catch(_FAILURE, refused, "rejected"), _catch(_FAILURE, back)]
        return {step.name: work | {"Catch": catches}, refused: _note(True, "$.rejected", back)}  # noqa: FBT003

    def _backward(self, position: int, step: Step) -> Asl:
        name, onward = step.name, self._back(position - 1)
        undoing = f"undo {name}" if step.undo else onward
        what = {"run_id": {"$ref": "run.id"}, "step": name, "task": step.task}
        settle = self._message("settle", step, SETTLE_TASK, what, ("undo",))
        settling = self._wait_for(SETTLE_TASK, settle, "$.settled", f"undo {name}?" if step.undo else onward)
        abort = _equals("$.mode", "abort") | {"Next": f"settle {name}"}
        states: Asl = {
            f"{name} back": _choice([_go(_present(f"$.steps.{name}"), undoing), abort], onward),
            # Where nobody could find out, it is undone: an undo of what was not done does no harm.
            f"settle {name}": settling | {"Catch": [_catch("$.unsettled", undoing)]},
        }
        return states | (self._undoing(step, step.undo, onward) if step.undo else {})

    def _undoing(self, step: Step, undo: Undo, onward: str) -> Asl:
        body = self._message("undo", step, undo.task, undo.mapping, ())
        work = self._wait_for(undo.task, body, "$.undone", onward)
        is_due = {
            "And": [_present("$.settled.facts.undo"), {"Variable": "$.settled.facts.undo", "BooleanEquals": True}]
        }
        return {
            f"undo {step.name}?": _choice([_go(is_due, f"undo {step.name}")], onward),
            f"undo {step.name}": work | {"Catch": [_catch("$.undo_failed", onward)]},
        }

    def _gate(self, position: int) -> str:
        return f"{self._steps[position].name}?" if position < len(self._steps) else _COMPLETED

    def _back(self, position: int) -> str:
        """Where the way back goes on: at the nearest step that has a job."""
        while position >= 0 and not isinstance(self._steps[position], Step):
            position -= 1
        return f"{self._steps[position].name} back" if position >= 0 else _ENDED

    def _message(
        self, direction: str, step: Step, task: str, mapping: Mapping[str, Any], facts: tuple[str, ...]
    ) -> Asl:
        """What `backstay.jobs.message` reads as a `StepMessage`."""
        by_execution = direction == "settle"
        suffix = f"#{step.name}#{direction}"
        key = f"States.Format('{{}}{suffix}#{{}}', $.run_id, $.execution)" if by_execution else None
        bounds = {"timeout_s": step.timeout_s, "heartbeat_s": step.heartbeat_s} if direction == "do" else {}
        return {
            "task": task,
            "tenant.$": "$.tenant",
            "idempotency_key.$": key or f"States.Format('{{}}{suffix}', $.run_id)",
            "input": mapping,
            "step": {
                "run_id.$": "$.run_id",
                "saga": self._saga.name,
                "name": step.name,
                "direction": direction,
                "execution.$": "$.execution",
                "token.$": "$$.Task.Token",
                "entered_at.$": "$$.State.EnteredTime",
                "sources": self._saga.sources_of(mapping),
                "facts": list(facts),
                **{name: value for name, value in bounds.items() if value},
            },
        }

    def _wait_for(self, task_name: str, body: Asl, result: str, onward: str) -> Asl:
        task = self._ground.tasks[task_name]
        return {
            "Type": "Task",
            "Resource": _WAITS,
            "Parameters": {
                "QueueUrl": self._ground.queue_url(task.queue_name("normal")),
                "MessageGroupId.$": "$.tenant",
                "MessageBody": body,
            },
            "TimeoutSeconds": ceiling_s(task),
            "Retry": [
                {
                    "ErrorEquals": list(_SENDING_ERRORS),
                    "IntervalSeconds": 2,
                    "MaxAttempts": 6,
                    "BackoffRate": 2,
                    "MaxDelaySeconds": 60,
                    "JitterStrategy": "FULL",
                }
            ],
            "ResultPath": result,
            "Next": onward,
        }


def ceiling_s(task: AnyTask) -> int:
    """Seconds in which a task's job is over for sure, whatever it waits for: the job decides, the state never."""
    limits = task.limits
    return _LONGEST_QUEUEING_S + limits.give_up_after + limits.max_attempts * (limits.lease_s + _LONGEST_BACKOFF_S)


def rule_of(condition: Condition) -> Asl:
    """A condition as a rule of a Choice state. What isn't there compares with nothing."""
    match condition:
        case PreApproved():
            return _both(_present("$.pre_approved"), {"Variable": "$.pre_approved", "BooleanEquals": True})
        case Comparison():
            variable = _variable(condition)
            return _both(_present(variable), {"Variable": variable, _comparison(condition): condition.value})
        case Both(left, right):
            return {"And": [rule_of(left), rule_of(right)]}
        case Either(left, right):
            return {"Or": [rule_of(left), rule_of(right)]}
        case Not(inner):
            return {"Not": rule_of(inner)}
    raise TypeError(f"{condition!r} is no condition")


def _comparison(condition: Comparison) -> str:
    kind = {bool: "Boolean", str: "String"}.get(type(condition.value), "Numeric")
    return (
        kind
        + {
            Operator.EQUALS: "Equals",
            Operator.AT_LEAST: "GreaterThanEquals",
            Operator.AT_MOST: "LessThanEquals",
        }[condition.operator]
    )


def _variable(condition: Comparison) -> str:
    field = condition.field.replace(".", "_")  # as facts are told
    return f"$.facts.{field}" if condition.source == "input" else f"$.steps.{condition.source}.facts.{field}"


def _event_message(step: Any) -> Asl:
    """A job of its own that notes who waits; the token goes along in its input."""
    return {
        "task": AWAIT_TASK,
        "tenant.$": "$.tenant",
        "idempotency_key.$": f"States.Format('{{}}#{step.name}#wait#{{}}', $.run_id, $$.State.EnteredTime)",
        "input": {
            "run_id.$": "$.run_id",
            "step": step.name,
            "event": step.event,
            "kind": step.kind,
            "token.$": "$$.Task.Token",
            "execution.$": "$.execution",
            "entered_at.$": "$$.State.EnteredTime",
            "timeout_s": step.timeout_s,
        },
    }


def _ends() -> Asl:
    reasons = [
        _go(_present("$.undo_failed"), "compensation_failed"),
        _equals("$.mode", "abort") | {"Next": "aborted"},
        _go(_present("$.rejected"), "aborted"),
        _go(_present("$.undone"), "compensated"),
    ]
    fails = ("compensation_failed", "aborted", "compensated", "failed")
    return {
        _ENDED: _choice(reasons, "failed"),
        **{end: {"Type": "Fail", "Error": end, "CausePath": f"States.JsonToString({_FAILURE})"} for end in fails},
        _COMPLETED: {"Type": "Succeed"},
    }


def _choice(reasons: list[Asl], default: str) -> Asl:
    return {"Type": "Choice", "Choices": reasons, "Default": default}


def _note(value: Any, path: str, onward: str) -> Asl:
    return {"Type": "Pass", "Result": value, "ResultPath": path, "Next": onward}


def _go(rule: Asl, onward: str) -> Asl:
    return rule | {"Next": onward}


def _catch(path: str, onward: str, *errors: str) -> Asl:
    return {"ErrorEquals": list(errors or ("States.ALL",)), "ResultPath": path, "Next": onward}


def _present(variable: str) -> Asl:
    return {"Variable": variable, "IsPresent": True}


def _equals(variable: str, value: str) -> Asl:
    return {"Variable": variable, "StringEquals": value}


def _both(first: Asl, second: Asl) -> Asl:
    return {"And": [first, second]}
