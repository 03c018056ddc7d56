"""The house at a glance, and its workers."""

from typing import TYPE_CHECKING, Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from backstay.access.key import Scope

from .gate import caller_of, needs, routes
from .house_shapes import Overview, overview_of
from .services import services
from .shapes import Shape, TenantName
from .stats_shapes import Numbers, numbers_of

if TYPE_CHECKING:
    from backstay.jobs.stats import TaskStats

router = routes()


class WorkerShape(Shape):
    """The worker of one task."""

    task: str
    paused: Annotated[bool | None, Field(description="None by tenant.")]
    timeout_s: Annotated[int, Field(description="What one run may take.")]
    memory_mb: int
    max_attempts: int
    batch_size: Annotated[int, Field(description="Jobs that one worker takes at once.")]
    most_at_once: Annotated[int, Field(description="Jobs of each of its queues that run at once.")]
    queues: list[str]
    models: Annotated[list[str], Field(description="Routes that it names itself; else those of backstay.toml.")]
    jobs: Numbers
    average_wait_ms: Annotated[float | None, Field(description="For a worker, since jobs are counted; none by tenant.")]
    average_attempts: Annotated[float | None, Field(description="Of jobs that ran and ended, since they are counted.")]


class Workers(Shape):
    """Every task's."""

    workers: list[WorkerShape]


@router.get("/api/overview", security=needs(Scope.READ), tags=["operation"], summary="The house at a glance")
def overview(
    tenant: Annotated[TenantName | None, Query(description="What belongs to this tenant only.")] = None,
) -> Overview:
    """Costs the same with a hundred jobs as with a hundred million. A key of one tenant sees that tenant's."""
    from .house import read_house
    from .verdict import judge

    whose = caller_of(router).tenant_to_list(tenant)
    house = read_house(whose)
    return overview_of(house, None if whose else judge(house), whose)


@router.get("/api/workers", security=needs(Scope.READ), tags=["operation"], summary="Workers, task by task")
def workers(
    tenant: Annotated[TenantName | None, Query(description="With this tenant's jobs only.")] = None,
) -> Workers:
    """What each may use, and how its jobs do. A key of one tenant sees that tenant's jobs."""
    whose, reader = caller_of(router).tenant_to_list(tenant), services().stats
    found = reader.read() if whose is None else reader.read_tenant(whose)
    return Workers(workers=[_worker_of(one) for one in found.tasks])


def _worker_of(stats: "TaskStats") -> WorkerShape:
    task, times = services().catalog.get(stats.task), stats.times
    limits = task.limits
    return WorkerShape(
        task=stats.task,
        paused=stats.paused,
        timeout_s=limits.timeout,
        memory_mb=limits.memory_mb,
        max_attempts=limits.max_attempts,
        batch_size=limits.batch_size,
        most_at_once=limits.batch_size * limits.max_workers,
        queues=list(task.queue_names()),
        models=list(task.model_use.all_routes()),
        jobs=numbers_of(stats.counts),
        average_wait_ms=times.wait_ms / times.claims if times.claims else None,
        average_attempts=times.attempts / times.ended if times.ended else None,
    )
