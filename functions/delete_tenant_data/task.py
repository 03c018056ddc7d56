"""Deletes all that is one tenant's. One job does it in portions, until it has twice found nothing more."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from backstay.task import Job, Task


class Departure(BaseModel):
    """Whose data to delete."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


class Deleted(BaseModel):
    """How much was deleted.

    Not in it, since it goes by itself: messages that lie in queues still, which are dropped when they are received, and
    what backups remember, for 35 days where the stage has them. A plain message that was sent straight to a queue and
    not received yet becomes a job when it is.
    """

    api_keys: int = 0
    """Revoked."""
    jobs: int = 0
    """With their inputs, results and answers of models."""
    messages: int = 0
    """That were no jobs, and on record as dead letters."""
    lanes: int = 0
    runs: int = 0
    """Of sagas; those that went on are stopped, and nothing of them is undone."""
    contents: int = 0
    """Stories and what else its tasks made."""
    chats: int = 0
    """Bots, and turns of conversations."""
    payloads: int = 0
    """Objects: large inputs, large results, uploads."""


task = Task(
    name="delete-tenant-data",
    input=Departure,
    output=Deleted,
    timeout=120,
    max_attempts=5,
    concurrency=2,
    uses=("jobs", "content", "tenant-data"),
)


@task.run
def delete(departure: Departure, job: Job) -> Deleted:
    """Delete one portion, then come back for the next until none is left."""
    from .erasing import Eraser

    return Eraser.of_this_function().erase(departure, job)
