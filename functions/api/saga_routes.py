"""Sagas: what there is, starting a run, and how they do."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from backstay.access.caller import Caller
from backstay.access.key import Scope
from backstay.clock import utc_now

from .gate import caller_of, needs, routes
from .job_routes import IdempotencyKey
from .run_shapes import Run, RunRequest, SagaList, SagaShape, SagaStatistics, SagaStep, Workflows
from .run_view import path_of_run, run_of
from .services import services
from .shapes import TenantName
from .submitting import check_alternatives, check_size

router = routes()


@router.get("/api/sagas", security=needs(Scope.READ), tags=["sagas"], summary="List sagas")
def list_sagas() -> SagaList:
    """Each with its steps, its input, and a picture in Mermaid."""
    return SagaList(
        sagas=[
            SagaShape(
                name=plan.name,
                description=plan.description,
                picture=plan.picture,
                steps=[
                    SagaStep(name=step.name, kind=str(step.kind), task=step.task, undo=step.undo, event=step.event)
                    for step in plan.steps
                ],
                input_schema=plan.input_schema,
            )
            for plan in services().sagas
        ]
    )


@router.post(
    "/api/sagas/<name>/runs",
    security=needs(Scope.SUBMIT),
    tags=["sagas"],
    summary="Run a saga",
    status_code=202,
    openapi_extensions={"x-answers-too": {"200": "The run that the same key started before"}, "x-refuses": [409]},
)
def start_run(
    name: Annotated[str, Path(description="The saga's name.")],
    run: RunRequest,
    idempotency_key: IdempotencyKey = None,
) -> Response[Run]:
    """Answers 202 with a new run, or 200 with the one that the same key started before. Starting again is safe."""
    from backstay.workflows.starting import Start

    caller = caller_of(router)
    _check(run, caller, idempotency_key)
    started = services().starter.start(
        Start(
            saga=name,
            tenant=caller.tenant_for(run.tenant),
            input=run.input,
            input_ref=run.input_ref,
            key=run.idempotency_key or idempotency_key,
            pre_approved=run.pre_approved,
            key_id=caller.key_id,
        )
    )
    return Response(
        status_code=202 if started.created else 200,
        content_type=content_types.APPLICATION_JSON,
        headers={"Location": path_of_run(started.record.id)},
        body=run_of(started.record, started.record.state_at(utc_now())),
    )


@router.get("/api/workflows", security=needs(Scope.READ), tags=["sagas"], summary="Numbers per saga")
def workflows(
    tenant: Annotated[TenantName | None, Query(description="Of this tenant's runs only.")] = None,
) -> Workflows:
    """A key of one tenant sees that tenant's numbers."""
    whose = caller_of(router).tenant_to_list(tenant)
    return Workflows(workflows=[_statistics(name, whose) for name in services().sagas.names])


def _statistics(saga: str, tenant: str | None) -> SagaStatistics:
    numbers = services().runs.numbers(saga, tenant)
    return SagaStatistics(
        saga=saga,
        started=numbers.started,
        running=numbers.running,
        completed=numbers.completed,
        failed=numbers.failed,
        ends={str(state): count for state, count in numbers.ends.items()},
        error_rate=numbers.error_rate,
        average_duration_s=numbers.average_s,
        p95_duration_s=numbers.p95_s,
        stuck=numbers.stuck,
    )


def _check(run: RunRequest, caller: Caller, header_key: str | None) -> None:
    check_alternatives(run, header_key)
    check_size(run.input)
    if run.pre_approved:
        caller.require_any(frozenset({Scope.OPERATE}))
