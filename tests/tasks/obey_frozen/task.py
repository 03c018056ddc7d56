"""A task that can freeze its whole process until the Lambda's timeout kills it."""

import ctypes

from pydantic import BaseModel

from backstay.task import Job, Task


class Freeze(BaseModel):
    """How often to freeze before answering."""

    freeze_attempts: int = 1


class Thawed(BaseModel):
    """The attempt that answered."""

    attempt: int


task = Task(name="obey-frozen", input=Freeze, output=Thawed, timeout=1, concurrency=2)


@task.run
def freeze(work: Freeze, job: Job) -> Thawed:
    """Hold the interpreter, so that not even the worker's own margin helps: a sleep that never lets go of it."""
    if job.attempt <= work.freeze_attempts:
        ctypes.PyDLL(None).sleep(60)
    return Thawed(attempt=job.attempt)
