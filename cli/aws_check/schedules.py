"""A job that is due later than SQS can delay, which the EventBridge Scheduler sends."""

from collections.abc import Iterator
from datetime import datetime

from cli.aws_check.finding import Finding, verdict_of
from cli.aws_check.ground import STORY_TASK, Ground, eventually
from cli.problems import Problem

NAME = "schedules"
JOBS = 1
DELAY_S = 930  # SQS delays up to 900
_LATEST_S = 120  # the Scheduler is exact to the minute, and a cold start comes on top


def begin(ground: Ground) -> None:
    """Submit the job, so that it waits while the other checks run."""
    ground.submit(STORY_TASK, ground.story(600), ground.tenant("schedules"), delay_s=DELAY_S)


def findings(ground: Ground) -> Iterator[Finding]:
    """Wait until it is over, and see how late it started."""
    says = "the Scheduler sends a job that is due later than SQS can delay"
    try:
        (ran,) = ground.wait_for(ground.tenant("schedules"), 1, DELAY_S + 2 * _LATEST_S)
    except Problem as problem:
        yield Finding(NAME, says, verdict_of(False), problem.cause)
        return
    document = ground.api.get(f"/api/jobs/{ran.job.id}")
    due = datetime.fromisoformat(document["created_at"]).timestamp() + DELAY_S
    late_s = ran.started.timestamp() - due
    yield Finding(NAME, says, verdict_of(-1 <= late_s <= _LATEST_S), f"started {late_s:.0f} s after it was due")
    gone = eventually(lambda: not _schedules(ground, ran.job.id), 60)
    yield Finding(NAME, "a schedule deletes itself", verdict_of(gone))


def _schedules(ground: Ground, job_id: str) -> list[str]:
    answer = ground.client("scheduler").list_schedules(
        GroupName=ground.target.outputs["ScheduleGroup"], NamePrefix=job_id[:60]
    )
    return [schedule["Name"] for schedule in answer["Schedules"]]
