"""Deleting all that is a tenant's."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path

from backstay.access.key import Scope
from backstay.jobs.keys import SYSTEM_TENANT

from .gate import caller_of, needs, routes
from .job_shapes import Job
from .job_view import job_of, path_of
from .problems import invalid
from .shapes import TenantName
from .submitting import submit_internal

router = routes()

TASK = "delete-tenant-data"


@router.delete(
    "/api/tenants/<tenant>/data",
    security=needs(Scope.OPERATE),
    tags=["operation"],
    summary="Delete a tenant's data",
    status_code=202,
)
def delete_tenant_data(tenant: Annotated[TenantName, Path(description="Whose data.")]) -> Response[Job]:
    """Jobs, results, uploads, stories, counters; the tenant's keys are revoked. Answers a job that does it, which
    belongs to no tenant: a key of `*` can watch it. Cached answers of models end by themselves, after ten minutes.
    It can't be undone."""
    caller = caller_of(router)
    if tenant == SYSTEM_TENANT:
        raise invalid("tenant", "is Backstay's own, and has no data of anybody's", tenant)
    submitted = submit_internal(TASK, {"tenant": caller.tenant_for(tenant)}, SYSTEM_TENANT, caller)
    return Response(
        status_code=202,
        content_type=content_types.APPLICATION_JSON,
        headers={"Location": path_of(submitted.record.id)},
        body=job_of(submitted.record),
    )
