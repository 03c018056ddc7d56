"""The executions of runs' state machines: started, stopped and looked up. Each may be asked for again without harm."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backstay import aws
from backstay.settings import Environment
from backstay.workflows.run import RunRecord, execution_name


@dataclass(frozen=True, slots=True)
class Execution:
    """How an execution stands."""

    status: str
    """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
    stopped_at: datetime | None = None
    error: str | None = None
    cause: str | None = None


class Executions:
    """Speaks to Step Functions about executions."""

    def __init__(self, env: Environment) -> None:
        self._machines = env.state_machine_arn_prefix
        self._executions = env.state_machine_arn_prefix.replace(":stateMachine:", ":execution:")

    def start(self, record: RunRecord, state: Mapping[str, Any]) -> None:
        """Begin a run's execution, unless it has begun."""
        sfn = aws.stepfunctions()
        try:
            sfn.start_execution(
                stateMachineArn=self._machines + record.saga, name=record.execution_name, input=json.dumps(state)
            )
        except sfn.exceptions.ExecutionAlreadyExists:
            return  # it was begun with what was done by then; what is done since, its jobs know

    def stop(self, record: RunRecord, execution: int, cause: str) -> None:
        """Stop an execution of a run; nothing happens where it is over, or never was."""
        sfn = aws.stepfunctions()
        try:
            sfn.stop_execution(executionArn=self._arn(record, execution), error="aborted", cause=cause)
        except sfn.exceptions.ExecutionDoesNotExist:
            return

    def find(self, record: RunRecord) -> Execution | None:
        """The execution of a run that counts; None where it has not begun."""
        sfn = aws.stepfunctions()
        try:
            found = sfn.describe_execution(executionArn=self._arn(record, record.execution))
        except sfn.exceptions.ExecutionDoesNotExist:
            return None
        return Execution(found["status"], found.get("stopDate"), found.get("error"), found.get("cause"))

    def _arn(self, record: RunRecord, execution: int) -> str:
        return f"{self._executions}{record.saga}:{execution_name(record.id, execution)}"
