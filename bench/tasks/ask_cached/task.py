"""As ask-model, with answers kept for whoever asks the same; no two of its jobs do."""

from pydantic import BaseModel, Field

from backstay.task import Job, Task, llm


class Question(BaseModel):
    """What to ask."""

    text: str = Field(min_length=1, max_length=50_000)


class Opinion(BaseModel):
    """The model's answer."""

    text: str


task = Task(name="ask-cached", input=Question, output=Opinion, uses=("llm",))


@task.run
def ask(question: Question, job: Job) -> Opinion:  # noqa: ARG001 - a task's function takes its job
    """Ask once."""
    return llm.complete(question.text, output=Opinion)
