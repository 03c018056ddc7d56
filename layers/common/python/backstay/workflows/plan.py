"""A saga as plain data: what functions know of it. Made at synth from its declaration, and packed into the layer."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from backstay.jobs import keys


class StepKind(StrEnum):
    """What a step does."""

    TASK = "task"
    APPROVAL = "approval"
    """Waits until a person says yes or no."""
    SIGNAL = "signal"
    """Waits for an event from another run."""


class StepPlan(BaseModel):
    """One step."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    kind: StepKind = StepKind.TASK
    task: str | None = None
    """Whose job it is; of a step that waits, None."""
    undo: str | None = None
    """The task that undoes it, if any does."""
    event: str | None = None
    """What a step that waits is waiting for."""
    facts: tuple[str, ...] = ()
    """Fields of its result that the run decides by; dots lead into objects."""
    stuck_after_s: int = 900


class SagaPlan(BaseModel):
    """One saga."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    description: str = ""
    input_model: str
    """Where the model of its input is found: `module:Class`, importable wherever tasks' folders are."""
    input_schema: dict[str, Any]
    """The same as JSON schema."""
    facts: tuple[str, ...] = ()
    """Fields of the input that the run decides by."""
    steps: tuple[StepPlan, ...]
    picture: str
    """Mermaid text."""
    stuck_after_s: int = 3600

    @property
    def version(self) -> str:
        """The same for plans that say the same."""
        return keys.digest_of(self.model_dump(mode="json"))

    def waiting_step(self, event: str) -> StepPlan | None:
        """The step that waits for an event, or None."""
        return next((step for step in self.steps if step.event == event), None)
