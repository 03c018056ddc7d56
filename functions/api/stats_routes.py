"""How every task is doing."""

from typing import TYPE_CHECKING, Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from backstay.access.key import Scope

from .gate import caller_of, needs, routes
from .services import services
from .shapes import Shape, TenantName

if TYPE_CHECKING:
    from backstay.jobs.stats import Counts

router = routes()


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


class TaskNumbers(Numbers):
    """One task's."""

    task: str
    paused: bool | None


class Statistics(Shape):
    """Per task and in total."""

    tasks: list[TaskNumbers]
    total: Numbers
    providers: Annotated[list[str], Field(description="Model providers that are configured.")]


@router.get("/api/stats", security=needs(Scope.READ), tags=["operation"], summary="Numbers per task and in total")
def stats(
    tenant: Annotated[TenantName | None, Query(description="Of this tenant's jobs only.")] = None,
) -> Statistics:
    """A key of one tenant sees that tenant's numbers."""
    whose = caller_of(router).tenant_to_list(tenant)
    reader = services().stats
    found = reader.read() if whose is None else reader.read_tenant(whose)
    return Statistics(
        tasks=[
            TaskNumbers(task=one.task, paused=one.paused, **_numbers(one.counts).model_dump()) for one in found.tasks
        ],
        total=_numbers(found.total),
        providers=list(found.providers),
    )


def _numbers(counts: "Counts") -> Numbers:
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
    )
