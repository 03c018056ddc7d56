"""How every task is doing."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from backstay.access.key import Scope

from .gate import caller_of, needs, routes
from .services import services
from .shapes import TenantName
from .stats_shapes import Statistics, TaskNumbers, numbers_of

router = routes()


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
            TaskNumbers(task=one.task, paused=one.paused, **numbers_of(one.counts).model_dump()) for one in found.tasks
        ],
        total=numbers_of(found.total),
        providers=list(found.providers),
    )
