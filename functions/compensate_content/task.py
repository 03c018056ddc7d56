"""compensate-content: takes back what generate-content made. Safe to run twice."""

import functools
from typing import TYPE_CHECKING

from backstay.campaigns.content import Compensation
from backstay.task import Job, Task

from .models import Compensated

if TYPE_CHECKING:
    from .compensating import Compensating

task = Task(
    name="compensate-content",
    input=Compensation,
    output=Compensated,
    timeout=60,
    max_attempts=5,  # what is not undone asks for a person
    uses=("answers", "content", "workflows"),
)


@task.run
def compensate(wanted: Compensation, job: Job) -> Compensated:
    """Delete drafts, release reservations, drop cached answers; what is gone already counts as done."""
    return _compensating().compensate(wanted, job)


@functools.cache
def _compensating() -> "Compensating":
    """Made at the first job: the API imports this module too, for the declaration only."""
    from backstay.campaigns.drafts import DraftTable
    from backstay.llm.answer_table import AnswerTable
    from backstay.settings import Environment
    from backstay.workflows.resources import ResourceTable

    from .compensating import Compensating

    env = Environment.read()
    return Compensating(
        DraftTable(env.content_table, env.workflows_table),
        ResourceTable(env.workflows_table),
        AnswerTable(env.cache_table),
    )
