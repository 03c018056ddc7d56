"""Runs a state machine in this process, as Step Functions would: as much of the States Language as we need.

Stricter than the service where that finds mistakes: a state that could not be deployed is refused when it is entered,
and so is a field that this interpreter doesn't know.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

RUNTIME = "States.Runtime"
"""The error of a machine that is wrong in itself; no catch takes it."""

ENTERED_AT = "2026-11-25T08:00:{:02d}.000Z"

_NOTHING = object()
_FIELDS = {
    "Task": {
        "Type",
        "Resource",
        "Parameters",
        "TimeoutSeconds",
        "Retry",
        "Catch",
        "ResultPath",
        "Next",
    },
    "Choice": {"Type", "Choices", "Default"},
    "Wait": {"Type", "Seconds", "Next"},
    "Pass": {"Type", "Result", "ResultPath", "Next"},
    "Succeed": {"Type"},
    "Fail": {"Type", "Error", "CausePath"},
}
_KINDS: dict[str, tuple[type, ...]] = {"String": (str,), "Numeric": (int, float), "Boolean": (bool,)}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda left, right: left == right,
    "GreaterThanEquals": lambda left, right: left >= right,
    "LessThanEquals": lambda left, right: left <= right,
}


class TaskError(Exception):
    """What a task's state may fail with."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


@dataclass(frozen=True)
class Sent:
    """What a state sent when it began to wait."""

    state: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """How an execution has ended."""

    status: str
    error: str | None = None
    cause: str | None = None
    entered: tuple[str, ...] = ()
    largest_state_bytes: int = 0


@dataclass
class Machine:
    """A definition, and the world that answers its tasks: a result, or a `TaskError`."""

    definition: Mapping[str, Any]
    world: Callable[[Sent], Any]
    wait: Callable[[int], None] = lambda _: None
    """Lets so many seconds go by."""
    _entered: list[str] = field(default_factory=list)
    _largest: int = 0

    def run(self, data: dict[str, Any]) -> Ended:
        """Execute it from its start to its end."""
        name = self.definition["StartAt"]
        try:
            while True:
                state = self._enter(name, data)
                if state["Type"] == "Succeed":
                    return self._ended("SUCCEEDED")
                if state["Type"] == "Fail":
                    return self._ended("FAILED", state["Error"], text_of(state["CausePath"], data, {}))
                data, name = self._step(name, state, data)
        except TaskError as error:
            return self._ended("FAILED", error.error, error.cause)

    def _enter(self, name: str, data: Any) -> Mapping[str, Any]:
        self._entered.append(name)
        self._largest = max(self._largest, len(json.dumps(data).encode()))
        if name not in self.definition["States"]:
            raise TaskError(RUNTIME, f"no state {name!r}")
        state: Mapping[str, Any] = self.definition["States"][name]
        if unknown := set(state) - _FIELDS[state["Type"]]:
            raise TaskError(RUNTIME, f"{name!r}: fields {sorted(unknown)}")
        return state

    def _step(self, name: str, state: Mapping[str, Any], data: dict[str, Any]) -> tuple[dict[str, Any], str]:
        match state["Type"]:
            case "Choice":
                chosen = (rule["Next"] for rule in state["Choices"] if holds(rule, data))
                return data, next(chosen, state["Default"])
            case "Pass":
                return put(data, state["ResultPath"], state["Result"]), state["Next"]
            case "Wait":
                self.wait(state["Seconds"])
                return data, state["Next"]
        context = {
            "Task": {"Token": f"token-{len(self._entered)}"},
            "State": {"Name": name, "EnteredTime": ENTERED_AT.format(len(self._entered) % 60)},
        }
        try:
            answer = self.world(Sent(name, filled(state["Parameters"], data, context)))
        except TaskError as error:
            return self._caught(state, data, error)
        return put(data, state["ResultPath"], answer), state["Next"]

    def _caught(self, state: Mapping[str, Any], data: dict[str, Any], error: TaskError) -> tuple[dict[str, Any], str]:
        for catch in state.get("Catch", ()) if error.error != RUNTIME else ():
            if {error.error, "States.ALL"} & set(catch["ErrorEquals"]):
                failure = {"Error": error.error, "Cause": error.cause}
                return put(data, catch["ResultPath"], failure), catch["Next"]
        raise error

    def _ended(self, status: str, error: str | None = None, cause: str | None = None) -> Ended:
        return Ended(status, error, cause, tuple(self._entered), self._largest)


def holds(rule: Mapping[str, Any], data: Any) -> bool:
    """Whether a rule of a Choice state holds.

    Raises:
        TaskError: it compares something that isn't there.
    """
    match rule:
        case {"And": rules}:
            return all(holds(inner, data) for inner in rules)
        case {"Or": rules}:
            return any(holds(inner, data) for inner in rules)
        case {"Not": inner}:
            return not holds(inner, data)
        case {"Variable": variable, "IsPresent": is_present}:
            return (_found(variable, data) is not _NOTHING) is is_present
    (operator,) = set(rule) - {"Variable", "Next"}
    kind = next(kind for kind in _KINDS if operator.startswith(kind))
    value = value_at(rule["Variable"], data)
    is_of_kind = isinstance(value, _KINDS[kind]) and (kind == "Boolean" or not isinstance(value, bool))
    return is_of_kind and _COMPARISONS[operator.removeprefix(kind)](value, rule[operator])


def value_at(path: str, data: Any) -> Any:
    """What a path such as `$.steps.make` leads to.

    Raises:
        TaskError: it isn't there.
    """
    if (value := _found(path, data)) is _NOTHING:
        raise TaskError(RUNTIME, f"{path} leads nowhere in {json.dumps(data)}")
    return value


def put(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The data with a value at a path."""
    first, _, rest = path.removeprefix("$.").partition(".")
    below = data.get(first, {})
    return data | {first: put(below, f"$.{rest}", value) if rest else value}


def filled(template: Any, data: Any, context: Mapping[str, Any]) -> Any:
    """A payload template with its paths and intrinsic functions worked out."""
    if isinstance(template, list | tuple):
        return [filled(entry, data, context) for entry in template]
    if not isinstance(template, Mapping):
        return template
    return {
        name.removesuffix(".$"): _evaluated(value, data, context)
        if name.endswith(".$")
        else filled(value, data, context)
        for name, value in template.items()
    }


def text_of(expression: str, data: Any, context: Mapping[str, Any]) -> str:
    """A path or an intrinsic function that must come to a text."""
    if not isinstance(value := _evaluated(expression, data, context), str):
        raise TaskError(RUNTIME, f"{expression} must be a text, not {value!r}")
    return value


def _evaluated(expression: str, data: Any, context: Mapping[str, Any]) -> Any:
    if expression.startswith("$$."):
        return value_at(expression[1:], context)
    if expression.startswith("$."):
        return value_at(expression, data)
    called = re.fullmatch(r"States\.(\w+)\((.*)\)", expression)
    if not called:
        raise TaskError(RUNTIME, f"{expression} is neither a path nor a function")
    function, arguments = called[1], re.findall(r"'[^']*'|[^',\s]+", called[2])
    match function, arguments:
        case "JsonToString", [path]:
            return json.dumps(value_at(path, data), separators=(",", ":"))
        case "Format", [template, *paths]:
            values = [_evaluated(path, data, context) for path in paths]
            return template.strip("'").format(*values)
    raise TaskError(RUNTIME, f"unknown function {expression}")


def _found(path: str, data: Any) -> Any:
    for name in path.removeprefix("$.").split("."):
        if not isinstance(data, Mapping) or name not in data:
            return _NOTHING
        data = data[name]
    return data
