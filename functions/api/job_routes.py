"""Routes about jobs: submit, read, cancel, retry."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query

from backstay.access.caller import Caller
from backstay.access.key import Scope
from backstay.jobs import keys
from backstay.jobs.record import JobRecord, State

from .gate import caller_of, event_of, needs, routes
from .job_shapes import BatchAnswer, Job, JobBatch, JobBatchRequest, JobDetail, JobPage, JobRequest
from .job_view import detail_of, job_of, path_of
from .problems import Kind, Refusal, problem_of
from .services import services
from .shapes import TenantName
from .submitting import answer_to_one, submit

router = routes()

JobId = Annotated[str, Path(description="The job's id.")]
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", description="As `idempotency_key` in the body.", max_length=200)
]

_SIDE_BY_SIDE = 10


@router.post(
    "/api/jobs",
    security=needs(Scope.SUBMIT),
    tags=["jobs"],
    summary="Submit a job",
    status_code=202,
    openapi_extensions={"x-answers-too": {"200": "The job that the same key made before"}, "x-refuses": [409]},
)
def submit_job(job: JobRequest, idempotency_key: IdempotencyKey = None) -> Response[Job]:
    """Answers 202 with a new job, or 200 with the one that the same key made before.

    Submitting again is always safe: the same key and input is the same job, however often it is sent.
    """
    submitted = submit(job, caller_of(router), header_key=idempotency_key)
    return Response(
        status_code=202 if submitted.created else 200,
        content_type=content_types.APPLICATION_JSON,
        headers={"Location": path_of(submitted.record.id)},
        body=job_of(submitted.record),
    )


@router.post("/api/jobs/batch", security=needs(Scope.SUBMIT), tags=["jobs"], summary="Submit up to 100 jobs")
def submit_jobs(batch: JobBatchRequest) -> JobBatch:
    """Each job is answered on its own, in order: what is wrong with one does not hinder the others."""
    from concurrent.futures import ThreadPoolExecutor

    caller = caller_of(router)
    event = event_of(router)
    instance, correlation_id = event.path, event.request_context.request_id

    def answer(job: Any) -> BatchAnswer:
        status, outcome = answer_to_one(job, caller)
        if isinstance(outcome, Refusal):
            return BatchAnswer(status=status, problem=problem_of(outcome, instance, correlation_id))
        return BatchAnswer.model_construct(status=status, job=job_of(outcome), problem=None)

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as threads:
        return JobBatch.model_construct(answers=list(threads.map(answer, batch.jobs)))


@router.get("/api/jobs", security=needs(Scope.READ), tags=["jobs"], summary="List jobs, newest first")
def list_jobs(
    task: Annotated[str | None, Query(description="Of this task only.")] = None,
    state: Annotated[State | None, Query(description="In this state only.")] = None,
    tenant: Annotated[TenantName | None, Query(description="Of this tenant only.")] = None,
    cursor: Annotated[str | None, Query(description="From the page before.", max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Jobs a page.")] = 20,
) -> JobPage:
    """By creation for one tenant, else by the last change of state. A page may hold fewer than `limit` and still have a
    cursor, when few jobs pass the filter."""
    from backstay.jobs.queries import Filter

    wanted = Filter(task, state, caller_of(router).tenant_to_list(tenant))
    page = services().queries.list_jobs(wanted, cursor, limit)
    return JobPage.model_construct(jobs=[job_of(record) for record in page.jobs], cursor=page.cursor)


@router.get("/api/jobs/<job_id>", security=needs(Scope.READ), tags=["jobs"], summary="Read a job")
def get_job(job_id: JobId) -> JobDetail:
    """State, input, result or error, progress, receipt and times."""
    return detail_of(_job(job_id, caller_of(router)), services().queries, services().inputs)


@router.post(
    "/api/jobs/<job_id>/cancel",
    security=needs(Scope.SUBMIT, Scope.OPERATE),
    tags=["jobs"],
    summary="Cancel a job",
    openapi_extensions={"x-refuses": [409]},
)
def cancel_job(job_id: JobId) -> Job:
    """At once while the job waits; at its next safe point while it is active. Whoever may submit may also call off."""
    return job_of(services().control.cancel(_job(job_id, caller_of(router))))


@router.post(
    "/api/jobs/<job_id>/retry",
    security=needs(Scope.SUBMIT, Scope.OPERATE),
    tags=["jobs"],
    summary="Run a failed job again",
    openapi_extensions={"x-refuses": [409, 410]},
)
def retry_job(job_id: JobId) -> Job:
    """Under its key, with its counters reset. Whoever may submit may also try again."""
    return job_of(services().control.retry(_job(job_id, caller_of(router))))


def _job(job_id: str, caller: Caller) -> JobRecord:
    """The job, if it is the caller's to touch; another tenant's is told as if there were none."""
    record = services().queries.get(job_id) if caller.may_touch(keys.tenant_of(job_id)) else None
    if record is None:
        raise Refusal(Kind.NOT_FOUND, f"there is no job {job_id[:100]!r}; it may be past its retention")
    return record
