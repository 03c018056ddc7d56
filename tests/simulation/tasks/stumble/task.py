"""Fails as often as it is told, or takes its worker with it."""

import time

from pydantic import BaseModel

from backstay.task import Job, Task
from tests.simulation.clockwork import current_process


class Way(BaseModel):
    """How it goes."""

    failures: int = 0
    """Attempts that fail before one goes well."""
    deaths: int = 0
    """Attempts that kill the worker before that."""
    lasts_s: float = 0


class Done(BaseModel):
    """The result."""

    attempt: int


task = Task(name="stumble", input=Way, output=Done, timeout=20, backoff=2, concurrency=6)


@task.run
def stumble(way: Way, job: Job) -> Done:
    """Stumble."""
    process = current_process()
    if job.attempt <= way.deaths and process:
        process.die()
    time.sleep(way.lasts_s)
    if job.attempt <= way.deaths + way.failures:
        raise ValueError(f"attempt {job.attempt} stumbles")
    return Done(attempt=job.attempt)
