"""EventBridge Scheduler: one-time schedules that send to a queue and delete themselves."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.memory.refusals import exceptions_of, refusal

_NAME = re.compile(r"[0-9A-Za-z._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """One that waits."""

    due: float
    """Seconds since 1970."""
    queue_arn: str
    input: str


class Scheduler:
    """Stands in for the client.

    Args:
        made: told of the seconds after which `send_due` has something to send.
    """

    def __init__(self, made: Callable[[float], None] = lambda _: None) -> None:
        self._groups = {"default"}
        self.schedules: dict[tuple[str, str], Schedule] = {}
        self._made = made

    @property
    def exceptions(self) -> Any:
        return exceptions_of("scheduler")

    def create_schedule_group(self, *, Name: str) -> None:
        self._groups.add(Name)

    def create_schedule(
        self,
        *,
        Name: str,
        GroupName: str,
        ScheduleExpression: str,
        Target: Mapping[str, str],
        **_: Any,
    ) -> dict[str, Any]:
        operation = "CreateSchedule"
        at = datetime.strptime(ScheduleExpression, "at(%Y-%m-%dT%H:%M:%S)").replace(tzinfo=UTC).timestamp()
        if not _NAME.fullmatch(Name) or at < time.time() - 1:
            raise refusal("scheduler", operation, "ValidationException")
        if GroupName not in self._groups:
            raise refusal("scheduler", operation, "ResourceNotFoundException")
        if (GroupName, Name) in self.schedules:
            raise refusal("scheduler", operation, "ConflictException")
        self.schedules[GroupName, Name] = Schedule(at, Target["Arn"], Target["Input"])
        self._made(max(0.0, at - time.time()))
        return {}

    def delete_schedule(self, *, Name: str, GroupName: str) -> dict[str, Any]:
        if self.schedules.pop((GroupName, Name), None) is None:
            raise refusal("scheduler", "DeleteSchedule", "ResourceNotFoundException")
        return {}

    def send_due(self, send: Callable[[str, str], None]) -> None:
        """Send what is due, by queue ARN and body."""
        now = time.time()
        for name in [name for name, one in self.schedules.items() if one.due <= now]:
            due = self.schedules.pop(name)
            send(due.queue_arn, due.input)

    def __getattr__(self, operation: str) -> Any:
        raise NotImplementedError(operation)
