"""parse-command: what a command about campaigns asks for, and what follows from it."""

import functools
from typing import TYPE_CHECKING

from backstay.errors import ErrorClass
from backstay.running import current_job
from backstay.task import Failure, Job, Task

from .models import Command, ParsedCommand

if TYPE_CHECKING:
    from .parsing import Parsing

task = Task(name="parse-command", input=Command, output=ParsedCommand, timeout=60, uses=("llm", "content"))


@task.run
def parse(command: Command, job: Job) -> ParsedCommand:
    """Ask a model, or the rules where there is none."""
    return _parsing().parse(command, job)


@task.fallback
def settle_for_rules(command: Command, failure: Failure) -> ParsedCommand | None:
    """The model has failed for good: the rules must do, and it says why."""
    if failure.error_class is ErrorClass.REJECTED:
        return None
    if (job := current_job.get()) is None:
        raise LookupError("a fallback needs the job that failed in current_job, to find its run")
    return _parsing().parse_by_rules(command, job, f"{failure.error_class.value}: {failure.message}")


@functools.cache
def _parsing() -> "Parsing":
    """Made at the first job: the API imports this module too, for the declaration only."""
    from backstay.campaigns.listing import CampaignList
    from backstay.settings import Environment
    from backstay.workflows.run_store import RunStore

    from .history import HistoryTable
    from .parsing import Parsing

    env = Environment.read()
    return Parsing(HistoryTable(env.content_table), CampaignList(env.content_table, RunStore(env.workflows_table)))
