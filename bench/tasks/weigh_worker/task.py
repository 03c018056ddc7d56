"""As ask-model, and tells how much memory its worker's process has taken by then."""

from pydantic import BaseModel, Field

from backstay.task import Job, Task, llm
from weigh_worker.peak import peak_mb


class Question(BaseModel):
    """What to ask."""

    text: str = Field(min_length=1, max_length=50_000)


class Opinion(BaseModel):
    """The model's answer."""

    text: str


class Weight(BaseModel):
    """What the process has taken at most."""

    peak_mb: float


task = Task(name="weigh-worker", input=Question, output=Weight, uses=("llm",), cache=False)


@task.run
def weigh(question: Question, job: Job) -> Weight:  # noqa: ARG001 - a task's function takes its job
    """Ask once, then weigh."""
    llm.complete(question.text, output=Opinion)
    return Weight(peak_mb=peak_mb())
