"""Jobs of one line, one at a time."""

import time

from pydantic import BaseModel

from backstay.task import Job, Task


class Turn(BaseModel):
    """Whose turn it is."""

    line: str
    number: int


class Took(BaseModel):
    """The result."""

    number: int


task = Task(name="in-order", input=Turn, output=Took, timeout=20, backoff=2, concurrency=4, ordered_by="line")


@task.run
def take(turn: Turn, job: Job) -> Took:
    """Take some time."""
    time.sleep(1)
    return Took(number=turn.number)
