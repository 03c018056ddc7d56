"""A Step Functions of a test's own: it gives out tokens, and takes each answer once, as the real one does."""

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from backstay.jobs import keys
from backstay.jobs.step import key_of


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
