"""Shapes of numbers of jobs."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from .shapes import Shape

if TYPE_CHECKING:
    from backstay.jobs.stats import Counts


class Numbers(Shape):
    """Jobs by state, and how fast and how well they end."""

    waiting: int
    active: int
    delayed: int
    completed: Annotated[int, Field(description="Ever; records that have expired stay counted.")]
    failed: int
    cancelled: int
    dead_letters: Annotated[int | None, Field(description="Roughly, as SQS counts; none by tenant.")]
    oldest_waiting_s: Annotated[float | None, Field(description="Seconds that the oldest waiting job has waited.")]
    throughput_per_minute: Annotated[float | None, Field(description="Completed, over the last five minutes.")]
    success_rate: Annotated[float | None, Field(description="Of what ended in the last hour, 0 to 1.")]
    ended_last_hour: Annotated[int | None, Field(description="Completed or failed; none by tenant.")]
    average_run_ms: Annotated[float | None, Field(description="What jobs took that ended in the last hour.")]


class TaskNumbers(Numbers):
    """One task's."""

    task: str
    paused: bool | None


class Statistics(Shape):
    """Per task and in total."""

    tasks: list[TaskNumbers]
    total: Numbers
    providers: Annotated[list[str], Field(description="Model providers that are configured.")]


def numbers_of(counts: "Counts") -> Numbers:
    """Counts as they are shown."""
    return Numbers(
        waiting=counts.waiting,
        active=counts.active,
        delayed=counts.delayed,
        completed=counts.completed,
        failed=counts.failed,
        cancelled=counts.cancelled,
        dead_letters=counts.dead_letters,
        oldest_waiting_s=counts.oldest_waiting_s,
        throughput_per_minute=counts.throughput_per_minute,
        success_rate=counts.success_rate,
        ended_last_hour=counts.ended_last_hour,
        average_run_ms=counts.average_run_ms,
    )
