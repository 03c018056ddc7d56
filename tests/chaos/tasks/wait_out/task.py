"""A task that asks a model whose provider is down for an hour; its worker's clock runs fast where it is told so."""

import os
from datetime import UTC, datetime

from pydantic import BaseModel

from backstay.clock import utc_now
from backstay.task import Job, Task, llm

SPEED, SINCE = "CHAOS_SPEED", "CHAOS_SINCE"
"""Of the environment: how many times as fast the clock runs, and since when (ISO 8601)."""


class Question(BaseModel):
    """What to ask."""

    number: int


class Answered(BaseModel):
    """What came of it."""

    answer: str


task = Task(name="wait-out", input=Question, output=Answered, timeout=15, concurrency=20, uses=("llm",))


@task.run
def ask(question: Question, job: Job) -> Answered:
    """One question to one provider."""
    words = f"Question {question.number}: what now?"
    return Answered(answer=llm.complete(words, routes=["distant/small"], max_output_tokens=40, cache=False))


def _hurried() -> datetime:
    """As `utc_now`, in whose place it runs: with the names that its module knows."""
    import os

    since = datetime.fromisoformat(os.environ["CHAOS_SINCE"])
    now = since + (datetime.now(UTC) - since) * float(os.environ["CHAOS_SPEED"])
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


if SPEED in os.environ:
    utc_now.__code__ = _hurried.__code__  # whoever has imported it by name is told the same
