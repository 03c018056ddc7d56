"""A Step Functions of a test's own: it gives out tokens, takes each answer once, and keeps executions by name."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from backstay.jobs import keys
from backstay.jobs.step import key_of


class ExecutionAlreadyExists(Exception):  # noqa: N818 - the service's name
    """An execution of that name is over, or has other input."""


class ExecutionDoesNotExist(Exception):  # noqa: N818 - the service's name
    """There is none of that name."""


@dataclass
class Execution:
    """One execution."""

    arn: str
    input: dict[str, Any]
    status: str = "RUNNING"
    error: str | None = None
    cause: str | None = None
    stopped_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.arn.rsplit(":", 1)[-1]


@dataclass
class StepFunctions:
    """Stands in for the client."""

    waiting: set[str] = field(default_factory=set)
    """Tokens that a state waits with."""
    heard: list[tuple[str, Any]] = field(default_factory=list)
    """What was told to states that waited: output, or error and cause."""
    refused: int = 0
    """Answers that nobody waited for."""
    broken: int = 0
    """Answers still to be met with an error of the service's own."""

    executions: dict[str, Execution] = field(default_factory=dict)
    """By name."""
    exceptions: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(
            ExecutionAlreadyExists=ExecutionAlreadyExists, ExecutionDoesNotExist=ExecutionDoesNotExist
        )
    )

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: N803, A002
        """Begin, unless one of that name has begun."""
        if self.broken:
            self.broken -= 1
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "StartExecution")
        began = self.executions.get(name)
        if began and (began.status != "RUNNING" or began.input != json.loads(input)):
            raise ExecutionAlreadyExists
        arn = f"{stateMachineArn.replace(':stateMachine:', ':execution:')}:{name}"
        self.executions.setdefault(name, Execution(arn, json.loads(input)))

    def stop_execution(self, *, executionArn: str, error: str, cause: str) -> None:  # noqa: N803
        """End one that goes on."""
        found = self._execution(executionArn)
        if found.status == "RUNNING":
            found.status, found.error, found.cause = "ABORTED", error, cause

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        """How one stands."""
        found = self._execution(executionArn)
        stood = {"status": found.status, "error": found.error, "cause": found.cause, "stopDate": found.stopped_at}
        return {name: value for name, value in stood.items() if value is not None}

    def _execution(self, arn: str) -> Execution:
        found = self.executions.get(arn.rsplit(":", 1)[-1])
        if found is None or found.arn != arn:
            raise ExecutionDoesNotExist
        return found

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803 - the service's names
        """Take an output."""
        self._hear(taskToken, output)

    def send_task_failure(self, *, taskToken: str, error: str, cause: str) -> None:  # noqa: N803
        """Take a failure."""
        self._hear(taskToken, (error, cause))

    def _hear(self, token: str, what: Any) -> None:
        if self.broken:
            self.broken -= 1
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "SendTask")
        if token not in self.waiting:
            self.refused += 1
            raise ClientError({"Error": {"Code": "TaskTimedOut", "Message": "nobody waits"}}, "SendTask")
        self.waiting.remove(token)
        self.heard.append((token, what))

    def message(self, run_id: str, step: str, task: str, mapping: dict[str, Any], **more: Any) -> dict[str, Any]:
        """What a state of a saga sends when it is entered; its token waits from now on."""
        direction, execution = more.pop("direction", "do"), more.pop("execution", 1)
        token = more.pop("token", f"{step}-{direction}-{execution}")
        self.waiting.add(token)
        entered_at = more.pop("entered_at", f"2026-11-25T08:00:0{execution}.000Z")
        return {
            "task": task,
            "tenant": keys.tenant_of(run_id),
            "idempotency_key": more.pop("key", key_of(run_id, step, direction)),
            "input": mapping,
            "step": {
                "run_id": run_id,
                "saga": "test-saga",
                "name": step,
                "direction": direction,
                "execution": execution,
                "token": token,
                "entered_at": entered_at,
                **more,
            },
        }
