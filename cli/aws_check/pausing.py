"""How long it takes until a paused task stands still, and until it goes on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from cli.aws_check.finding import Finding, verdict_of
from cli.aws_check.ground import STORY_TASK, Ground, eventually
from cli.problems import Problem

NAME = "pausing"
JOBS = 1
_WITHIN_S = 180.0
_STANDS_STILL_S = 5.0


def findings(ground: Ground) -> Iterator[Finding]:
    """Pause, submit, see that nothing runs, resume, see that it does."""
    began = time.monotonic()
    with paused(ground, STORY_TASK):
        stopped_s = time.monotonic() - began
        document = ground.submit(STORY_TASK, ground.story(500), ground.tenant("pausing"))
        time.sleep(_STANDS_STILL_S)
        waiting = ground.job(document["id"])
        resumed = time.monotonic()
    job = ground.wait_for_job(document["id"], _WITHIN_S)
    went_on_s = time.monotonic() - resumed
    stood_still = waiting is not None and waiting.state == "waiting"
    yield Finding(NAME, "a paused task runs nothing", verdict_of(stood_still), f"paused after {stopped_s:.0f} s")
    went_on = job is not None and job.state == "completed"
    yield Finding(NAME, "a resumed task runs what waited", verdict_of(went_on), f"done after {went_on_s:.0f} s")


@contextmanager
def paused(ground: Ground, task: str) -> Iterator[None]:
    """Hold a task for the length of a `with`; it is resumed whatever happens.

    Raises:
        Problem: its event sources did not stop in time.
    """
    ground.api.post(f"/api/tasks/{task}/pause")
    try:
        if not eventually(lambda: _states(ground, task) == {"Disabled"}, _WITHIN_S):
            cause = f"{task} was not paused after {_WITHIN_S:.0f} s: its event sources are {_states(ground, task)}"
            raise Problem(cause, "see the function's triggers in the console")
        yield
    finally:
        ground.api.post(f"/api/tasks/{task}/resume")


def _states(ground: Ground, task: str) -> set[str]:
    answer = ground.client("lambda").list_event_source_mappings(FunctionName=ground.function_prefix + task)
    return {source["State"] for source in answer["EventSourceMappings"]}
