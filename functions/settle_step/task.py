"""Finds out whether a step that didn't complete has to be undone all the same. Sent by sagas, before they undo.

The step's job is called off, and waited for while a worker still has it: afterwards nothing of it can happen any more.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from backstay.task import Job, Task

Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class StepToSettle(BaseModel):
    """Which step."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_id: Name
    step: Name
    task: Name
    """The step's."""


class Settlement(BaseModel):
    """What is to be done about it."""

    model_config = ConfigDict(frozen=True)

    undo: bool
    """Whether the step completed after all, or may have had its effect."""
    why: str


task = Task(
    name="settle-step",
    input=StepToSettle,
    output=Settlement,
    timeout=30,
    max_attempts=10,  # where this fails, nobody knows what is to be undone
    concurrency=40,
    memory_mb=256,
    uses=("jobs",),
)


@task.run
def settle(wanted: StepToSettle, job: Job) -> Settlement:
    """Call the step's job off, or look how it ended.

    Raises:
        GoesOn: a worker still has it; looked at again soon.
        Rejected: the run is another tenant's.
    """
    from .settling import Settler

    return Settler.of_this_function().settle(wanted, job)
