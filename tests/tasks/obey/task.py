"""A task that does what its input says: fails, crashes, hangs, or succeeds, as a test needs it."""

import os
import time

from pydantic import BaseModel, Field

from backstay.task import Job, NotNow, Rejected, Task


class Order(BaseModel):
    """What to do."""

    model_config = {"extra": "forbid"}

    fail_attempts: int = Field(default=0, ge=0)
    """Attempts that raise before one succeeds."""
    fail_until: float = 0
    """Raise before this time, in seconds since 1970."""
    reject: bool = False
    not_now_until: int = 0
    """Runs that wait for the world before one goes on."""
    sleep_s: float = Field(default=0, ge=0, le=60)
    die_attempts: int = 0
    """Attempts in which the whole process is killed."""
    steps: int = 0
    """Progress reports before the end, half a second apart."""
    answer_bytes: int = 0
    measure: str | None = None
    """The name of a metric of its own."""
    text: str = ""


class Done(BaseModel):
    """What was done."""

    attempt: int
    text: str


_runs: dict[str, int] = {}

task = Task(
    name="obey", input=Order, output=Done, timeout=8, max_attempts=3, backoff=1, concurrency=20, give_up_after=3600
)


@task.run
def obey(order: Order, job: Job) -> Done:
    """Do as told."""
    runs = _runs[job.id] = _runs.get(job.id, 0) + 1
    if job.attempt <= order.die_attempts:
        os._exit(1)
    if order.measure is not None:
        job.metric(order.measure, len(order.text.split()))
    if order.reject:
        raise Rejected("told to reject")
    if runs <= order.not_now_until:
        raise NotNow("told to wait", retry_after_s=1)
    if job.attempt <= order.fail_attempts or time.time() < order.fail_until:
        raise RuntimeError(f"told to fail attempt {job.attempt}")
    for step in range(order.steps):
        job.progress(100 * step // order.steps, f"step {step}")
        time.sleep(0.5)
    time.sleep(order.sleep_s)
    return Done(attempt=job.attempt, text=order.text or "x" * order.answer_bytes)
