"""A step of a saga, or its undo: something happens outside."""

from botocore.exceptions import ClientError, ReadTimeoutError
from pydantic import BaseModel

from backstay.task import Job, NotNow, Rejected, Task
from tests.simulation.outside import Effect, outside


class Part(BaseModel):
    """What is to happen."""

    run_id: str
    step: str
    direction: str
    failures: int = 0
    """Attempts that fail before anything happens."""
    refuses: bool = False


class Taken(BaseModel):
    """What has happened."""

    step: str


task = Task(name="take-part", input=Part, output=Taken, timeout=20, backoff=2, concurrency=6, give_up_after=900)


@task.run
def take(part: Part, job: Job) -> Taken:
    """Let it happen, once for all attempts."""
    if part.refuses:
        raise Rejected(f"{part.step} refuses")
    if job.attempt <= part.failures:
        raise ValueError(f"attempt {job.attempt} stumbles")
    try:
        outside().happen(job.id, Effect(part.run_id, part.step, part.direction))
    except (ClientError, ReadTimeoutError) as error:
        raise NotNow(str(error)) from error
    return Taken(step=part.step)
