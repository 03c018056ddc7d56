"""generate-content: texts for a campaign's channels, kept as drafts of the run."""

import functools
from typing import TYPE_CHECKING

from backstay.campaigns.content import GeneratedContent
from backstay.errors import ErrorClass
from backstay.running import current_job
from backstay.task import Failure, Job, Task

from .models import Brief

if TYPE_CHECKING:
    from .generating import Generating

task = Task(
    name="generate-content",
    input=Brief,
    output=GeneratedContent,
    timeout=60,
    uses=("llm", "content", "workflows"),
)


@task.run
def generate(brief: Brief, job: Job) -> GeneratedContent:
    """Ask a model, or fill templates where there is none."""
    return _generating().generate(brief, job)


@task.fallback
def settle_for_templates(brief: Brief, failure: Failure) -> GeneratedContent | None:
    """The model has failed for good: templates must do, and it says why."""
    if failure.error_class is ErrorClass.REJECTED:
        return None
    if (job := current_job.get()) is None:
        raise LookupError("a fallback needs the job that failed in current_job, to find its run")
    return _generating().generate_by_template(brief, job, f"{failure.error_class.value}: {failure.message}")


@functools.cache
def _generating() -> "Generating":
    """Made at the first job: the API imports this module too, for the declaration only."""
    from backstay.campaigns.drafts import DraftTable
    from backstay.settings import Environment

    from .generating import Generating

    env = Environment.read()
    return Generating(DraftTable(env.content_table, env.workflows_table))
