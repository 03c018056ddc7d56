"""wake-parked-jobs: lets jobs go on that wait for a budget whose limit was raised. Ordered by the ledger's stream."""

from pydantic import BaseModel, ConfigDict

from backstay.budget_settings import WindowName
from backstay.task import Job, Task


class RaisedLimit(BaseModel):
    """Whose limit was raised."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    scope: str
    window: WindowName


class Waking(BaseModel):
    """What became of the jobs that waited."""

    woken: int
    used_up_again: bool
    """Whether the new limit was reached before all could go on; the others wait for the window to turn."""


task = Task(
    name="wake-parked-jobs",
    input=RaisedLimit,
    output=Waking,
    timeout=60,
    max_attempts=5,
    concurrency=2,
    memory_mb=256,
    uses=("jobs", "parked-jobs"),
)


@task.run
def wake(raised: RaisedLimit, job: Job) -> Waking:
    """Wake a portion, then come back for the next until none is left, or nothing is left of the budget."""
    from .waking import Waker

    return Waker.of_this_function().wake(raised, job)
