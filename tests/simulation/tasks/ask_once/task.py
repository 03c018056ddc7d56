"""One question to a model."""

from typing import Any

from pydantic import BaseModel

from backstay.task import Job, Task, llm


class Asked(BaseModel):
    """What to ask."""

    about: str
    shared: bool = False
    """Whether others may ask the very same."""


class Said(BaseModel):
    """What a model says: the question again, and the number of its call."""

    heard: str
    call: int


class Answered(BaseModel):
    """The result."""

    answers: list[Said]


PACE: dict[str, Any] = {"backoff": 2, "concurrency": 4, "give_up_after": 900}
"""Of all tasks that ask."""

task = Task(name="ask-once", input=Asked, output=Answered, timeout=30, uses=("llm",), **PACE)


@task.run
def ask(asked: Asked, job: Job) -> Answered:
    """Ask it."""
    return Answered(answers=[llm.complete(asked.about, output=Said, max_output_tokens=40, cache=asked.shared)])
