"""Dead letters: what failed for good, and sending it anew."""

from typing import TYPE_CHECKING, Annotated

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AwareDatetime, Field

from backstay.access.key import Scope
from backstay.errors import ErrorClass
from backstay.jobs.keys import SYSTEM_TENANT

from .gate import caller_of, needs, routes
from .job_shapes import Job
from .job_view import job_of, path_of
from .problems import invalid
from .services import services
from .shapes import Amount, JsonObject, Moment, Shape, TenantName, example
from .submitting import submit_internal

if TYPE_CHECKING:
    from backstay.jobs.dead_letters import DeadLetter

router = routes()

_BODY_SHOWN = 1_000
_READ_AT_ONCE = 100


class DeadLetterShape(Shape):
    """A job that failed for good, or a message that is no job."""

    id: Annotated[str, Field(description="For `ids` of a redrive.")]
    job_id: Annotated[str | None, Field(description="None for a message that is no job.")]
    message_id: Annotated[str | None, Field(description="SQS's, of a message that is no job.")]
    task: str
    tenant: str
    error_class: str
    message: str
    failed_at: Moment
    attempts: int | None
    body: Annotated[str | None, Field(description="What a message that is no job says, up to 1,000 characters.")]
    job: Annotated[str | None, Field(description="Where the job is read.")]


class DeadLetterPage(Shape):
    """Some dead letters, newest first."""

    dead_letters: list[DeadLetterShape]
    cursor: Annotated[str | None, Field(description="Leads to the next page; none, no next page.")]


class RedriveRequest(Shape):
    """Which dead letters to send anew: `all`, some by id, or by what they have in common."""

    all: Annotated[bool, Field(description="Every failed job. Messages that are no job are only sent by id.")] = False
    ids: Annotated[
        tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=1_000, description="These only.")
    ] = ()
    task: Annotated[str | None, Field(max_length=100)] = None
    tenant: TenantName | None = None
    error_class: ErrorClass | None = None
    since: Annotated[AwareDatetime | None, Field(description="Failed at or after this time.")] = None
    until: Annotated[AwareDatetime | None, Field(description="Failed before this time.")] = None
    per_second: Annotated[float, Field(ge=0.1, le=100, description="At most so many a second.")] = 10
    dry_run: Annotated[bool, Field(description="Only tell how many, and what they may cost.")] = False

    model_config = example({"task": "enhance-story", "error_class": "task_error", "dry_run": True})


class RedriveEstimate(Shape):
    """What a redrive would do."""

    count: int
    is_more: Annotated[bool, Field(description="Whether there are more than were counted.")]
    expected_cost_usd: Annotated[Amount, Field(description="By what the jobs have cost so far, on average.")]


@router.get("/api/dead-letters", security=needs(Scope.READ), tags=["operation"], summary="List dead letters")
def list_dead_letters(
    task: Annotated[str | None, Query(description="Of this task only.")] = None,
    tenant: Annotated[TenantName | None, Query(description="Of this tenant only.")] = None,
    error_class: Annotated[ErrorClass | None, Query(description="Of this class only.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Failed at or after this time.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Failed before this time.")] = None,
    cursor: Annotated[str | None, Query(description="From the page before.", max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Dead letters a page.")] = 20,
) -> DeadLetterPage:
    """Jobs that failed for good, and messages that no task could take. Newest first."""
    from backstay.jobs.dead_letters import Selection

    wanted = Selection(
        task=task,
        tenant=caller_of(router).tenant_to_list(tenant),
        error_class=error_class,
        since=since,
        until=until,
    )
    page = services().dead_letters.page(wanted, cursor, limit)
    return DeadLetterPage(dead_letters=[_shown(letter) for letter in page.letters], cursor=page.cursor)


@router.post(
    "/api/dead-letters/redrive",
    security=needs(Scope.OPERATE),
    tags=["operation"],
    summary="Send dead letters anew",
    status_code=202,
    openapi_extensions={"x-answers-too": {"200": "The estimate, for a dry run"}},
)
def redrive(chosen: RedriveRequest) -> Response[RedriveEstimate | Job]:
    """Answers a job that does it: watch it, or cancel it to stop. Each dead letter keeps its key and gets all its
    attempts back. A key of one tenant redrives that tenant's only. A step of a saga is redriven with its run, and
    refused here."""
    from backstay.jobs.dead_letters import REDRIVE_TASK

    _check_choice(chosen)
    caller = caller_of(router)
    tenant = caller.tenant_to_list(chosen.tenant)
    _check_steps(chosen, tenant)
    if chosen.dry_run:
        return Response(status_code=200, content_type=content_types.APPLICATION_JSON, body=_estimate(chosen, tenant))
    submitted = submit_internal(REDRIVE_TASK, _order(chosen, tenant), tenant or SYSTEM_TENANT, caller)
    return Response(
        status_code=202,
        content_type=content_types.APPLICATION_JSON,
        headers={"Location": path_of(submitted.record.id)},
        body=job_of(submitted.record),
    )


def _estimate(chosen: RedriveRequest, tenant: str | None) -> RedriveEstimate:
    from backstay.jobs.dead_letters import Selection

    plan = services().dead_letters.plan(
        Selection(
            task=chosen.task,
            tenant=tenant,
            error_class=chosen.error_class,
            since=chosen.since,
            until=chosen.until,
            ids=chosen.ids,
        )
    )
    return RedriveEstimate(count=plan.count, is_more=plan.is_more, expected_cost_usd=plan.expected_cost_usd)


def _order(chosen: RedriveRequest, tenant: str | None) -> JsonObject:
    """The input of the task that redrives."""
    order = chosen.model_dump(mode="json", exclude={"dry_run"}, exclude_defaults=True)
    if tenant is None:
        return order
    return {**order, "all": False, "tenant": tenant}  # all of one tenant's


def _check_choice(chosen: RedriveRequest) -> None:
    from backstay.catalog import UnknownTaskError

    narrows = any((chosen.task, chosen.tenant, chosen.error_class, chosen.since, chosen.until))
    if not (chosen.all or chosen.ids or narrows):
        raise invalid("all", "choose dead letters: 'all', 'ids', or any of task, tenant, error_class, since, until")
    if chosen.all and (chosen.ids or narrows):
        raise invalid("all", "goes with no ids and no filter; leave one of them out", "true")
    if chosen.task is not None and chosen.task not in services().catalog.names:
        raise UnknownTaskError(chosen.task, services().catalog.names)


def _check_steps(chosen: RedriveRequest, tenant: str | None) -> None:
    """A step's job is not sent anew by itself; who names one hears what to do instead."""
    from backstay.jobs.submit import StepJobError

    for start in range(0, len(chosen.ids), _READ_AT_ONCE):
        for letter in services().dead_letters.read_jobs(chosen.ids[start : start + _READ_AT_ONCE]):
            if letter.job and letter.job.step and tenant in (None, letter.tenant):
                raise StepJobError(letter.id, letter.job.step)


def _shown(letter: "DeadLetter") -> DeadLetterShape:
    job = letter.job
    return DeadLetterShape(
        id=letter.id,
        job_id=job.id if job else None,
        message_id=letter.message_id,
        task=letter.task,
        tenant=letter.tenant,
        error_class=letter.failure.error_class,
        message=letter.failure.message,
        failed_at=letter.at,
        attempts=job.attempts if job else None,
        body=letter.body[:_BODY_SHOWN] if letter.body is not None else None,
        job=path_of(job.id) if job else None,
    )
