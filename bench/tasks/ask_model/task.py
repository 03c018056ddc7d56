"""A task with one model call and nothing else: what is measured around it is Backstay's own.

Answers are not used again, so that every job asks however often the same is measured.
"""

from pydantic import BaseModel, Field

from backstay.task import Job, Task, llm


class Question(BaseModel):
    """What to ask."""

    text: str = Field(min_length=1, max_length=50_000)


class Opinion(BaseModel):
    """The model's answer."""

    text: str


task = Task(name="ask-model", input=Question, output=Opinion, uses=("llm",), cache=False)


@task.run
def ask(question: Question, job: Job) -> Opinion:  # noqa: ARG001 - a task's function takes its job
    """Ask once."""
    return llm.complete(question.text, output=Opinion)
