"""Notes that a step of a run waits for a person or an event, and lets it go on where that has come. Sent by sagas."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from backstay.task import Job, Rejected, Task

Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Awaited(BaseModel):
    """Who waits for what."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    run_id: Name
    step: Name
    event: Name
    kind: Annotated[str, Field(pattern="^(approval|signal)$")]
    token: Annotated[str, Field(min_length=1, max_length=2048, repr=False)]
    """By which Step Functions knows the state that waits."""
    execution: Annotated[int, Field(ge=1)]
    entered_at: Annotated[str, Field(max_length=40)]
    """When the state was entered, ISO 8601 in UTC."""
    timeout_s: Annotated[int, Field(ge=1)] | None = None
    """After how long the state waits no more."""


class Noted(BaseModel):
    """What is known now."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    run_id: str
    event: str


task = Task(
    name="await-signal",
    input=Awaited,
    output=Noted,
    timeout=20,
    max_attempts=10,  # without it a person's word would reach nobody
    concurrency=40,
    memory_mb=256,
    uses=("workflows", "announcements"),
)


@task.run
def wait(awaited: Awaited, job: Job) -> Noted:
    """Note it, once or again.

    Raises:
        Rejected: the run is another tenant's.
    """
    from backstay.jobs.keys import tenant_of
    from backstay.settings import Environment
    from backstay.workflows.announcements import Announcements
    from backstay.workflows.run import Wait, WaitKind
    from backstay.workflows.waits import Waits

    if tenant_of(awaited.run_id) != job.tenant:
        raise Rejected(f"run {awaited.run_id} is none of tenant {job.tenant!r}")
    entered = datetime.fromisoformat(awaited.entered_at)
    noted = Wait(
        step=awaited.step,
        event=awaited.event,
        kind=WaitKind(awaited.kind),
        execution=awaited.execution,
        entered_at=awaited.entered_at,
        until=entered + timedelta(seconds=awaited.timeout_s) if awaited.timeout_s else None,
    )
    env = Environment.read()
    Waits(env.workflows_table, ask=Announcements(env.stage).question).enter(awaited.run_id, noted, awaited.token)
    return Noted(run_id=awaited.run_id, event=awaited.event)
