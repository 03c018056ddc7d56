"""Redrives dead letters at a pace: one job, in portions, that can be watched, and stopped by cancelling it."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from backstay.errors import ErrorClass
from backstay.task import Job, Task


class Redrive(BaseModel):
    """Which dead letters to send anew: all, some by id, or by what they have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    all: bool = False
    """Every failed job. Messages that are no job are only sent anew by id."""
    ids: tuple[str, ...] = Field(default=(), max_length=1000)
    task: str | None = None
    tenant: str | None = None
    error_class: ErrorClass | None = None
    since: AwareDatetime | None = None
    """Failed at or after this time."""
    until: AwareDatetime | None = None
    """Failed before this time; by default before the redrive began, so that what fails anew is not sent anew."""
    per_second: float = Field(default=10, ge=0.1, le=100)
    """At most so many a second."""

    @model_validator(mode="after")
    def _chooses_in_one_way(self) -> "Redrive":
        narrows = any((self.task, self.tenant, self.error_class, self.since, self.until))
        if not (self.all or self.ids or narrows):
            raise ValueError("choose dead letters: 'all', 'ids', or any of task, tenant, error_class, since, until")
        if self.all and (self.ids or narrows):
            raise ValueError("'all' goes with no ids and no filter; leave one of them out")
        return self


class Redriven(BaseModel):
    """What became of the chosen dead letters."""

    moved: int
    """Sent anew."""
    skipped: int
    """Were no dead letters any more, or never."""
    failed: int
    """Can't be sent anew, most likely since their input is past its retention; each is named in the log."""


task = Task(
    name="redrive-dead-letters",
    input=Redrive,
    output=Redriven,
    timeout=60,
    max_attempts=5,
    concurrency=2,
    uses=("jobs", "dead-letters"),
)


@task.run
def redrive(wanted: Redrive, job: Job) -> Redriven:
    """Move one portion, then come back for the next until none is left."""
    from .moving import Mover

    return Mover.of_this_function().move(wanted, job)
