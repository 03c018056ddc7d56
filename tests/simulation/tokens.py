"""As much of Step Functions as jobs speak to: states that wait with a token."""

import json
from typing import Any

from tests.memory.refusals import exceptions_of, refusal
from tests.simulation.clockwork import Crowd
from tests.states_language import TaskError


class Tokens:
    """Stands in for the client."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        self.answers: dict[str, Any] = {}
        self.crowd = Crowd()

    @property
    def exceptions(self) -> Any:
        return exceptions_of("stepfunctions")

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803
        self._hear("SendTaskSuccess", taskToken, json.loads(output))

    def send_task_failure(self, *, taskToken: str, error: str, cause: str) -> None:  # noqa: N803
        self._hear("SendTaskFailure", taskToken, TaskError(error, cause))

    def _hear(self, operation: str, token: str, answer: Any) -> None:
        if token not in self.waiting:
            raise refusal("stepfunctions", operation, "TaskTimedOut")
        self.waiting.remove(token)
        self.answers[token] = answer
        self.crowd.wake()
