"""What a job knows of the saga step that waits for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from backstay.jobs import keys

WAIT = "wait#"
"""A source that starts so is no task: it is an event that the run has waited for, kept under this part of the run."""


class Direction(StrEnum):
    """What a step's job is for."""

    DO = "do"
    UNDO = "undo"
    SETTLE = "settle"
    """To find out whether the step has had an effect that must be undone."""


@dataclass(frozen=True, slots=True)
class Step:
    """The state of a run's execution that waits for a job, and what it wants to hear of it."""

    run_id: str
    saga: str
    name: str
    direction: Direction
    execution: int
    """Of the run: 1, and one more with each abort or redrive."""
    token: str
    """By which Step Functions knows who waits."""
    entered_at: str
    """When the state was entered, as Step Functions says it: ISO 8601 in UTC, which sorts as text."""
    facts: tuple[str, ...] = ()
    """Fields of the result that the run decides by; dots lead into objects."""
    timeout_s: int | None = None
    """How long one run of the job may take, where that is less than its task's `timeout`."""
    heartbeat_s: int | None = None
    """How long one run of the job may go on without reporting progress."""

    def is_newer_than(self, other: "Step | None") -> bool:
        """Whether who waits here has come after the other."""
        return other is None or (self.execution, self.entered_at) > (other.execution, other.entered_at)


def key_of(run_id: str, step: str, direction: Direction) -> str:
    """The idempotency key of a step's job."""
    return f"{run_id}#{step}#{direction}"


def job_of_step(run_id: str, step: str, task: str, direction: Direction = Direction.DO) -> str:
    """The id of a step's job."""
    return keys.job_id(keys.tenant_of(run_id), task, key_of(run_id, step, direction))


def to_attribute(step: Step) -> dict[str, Any]:
    """As it stands in the item of the job's record."""
    optional = {"facts": list(step.facts), "timeout_s": step.timeout_s, "heartbeat_s": step.heartbeat_s}
    return {
        "run_id": step.run_id,
        "saga": step.saga,
        "name": step.name,
        "direction": str(step.direction),
        "execution": step.execution,
        "token": step.token,
        "entered_at": step.entered_at,
        **{name: value for name, value in optional.items() if value},
    }


def from_attribute(attribute: Mapping[str, Any]) -> Step:
    """What `to_attribute` wrote."""
    return Step(
        run_id=attribute["run_id"],
        saga=attribute["saga"],
        name=attribute["name"],
        direction=Direction(attribute["direction"]),
        execution=attribute["execution"],
        token=attribute["token"],
        entered_at=attribute["entered_at"],
        facts=tuple(attribute.get("facts", ())),
        timeout_s=attribute.get("timeout_s"),
        heartbeat_s=attribute.get("heartbeat_s"),
    )
