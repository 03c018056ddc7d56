"""Like `obey`, one at a time for each session, in the order of submission."""

import time

from pydantic import BaseModel

from backstay.task import Job, Task


class Turn(BaseModel):
    """One message of a session."""

    session: str
    text: str
    fail_attempts: int = 0
    sleep_s: float = 0


class Heard(BaseModel):
    """When the work ran, in seconds since 1970."""

    text: str
    began: float
    ended: float


task = Task(name="obey-in-order", input=Turn, output=Heard, timeout=8, max_attempts=2, backoff=1, ordered_by="session")


@task.run
def hear(turn: Turn, job: Job) -> Heard:
    """Take a while."""
    began = time.time()
    if job.attempt <= turn.fail_attempts:
        raise RuntimeError("told to fail")
    time.sleep(turn.sleep_s)
    return Heard(text=turn.text, began=began, ended=time.time())
