"""Runs of sagas: read, approve, reject, abort, redrive."""

from typing import TYPE_CHECKING, Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query

from backstay.access.key import Scope
from backstay.clock import utc_now
from backstay.jobs import keys

from .gate import caller_of, needs, routes
from .problems import Kind, Refusal
from .run_shapes import Run, RunDetail, RunPage, State, Word
from .run_view import detail_of_run, run_of
from .services import services
from .shapes import TenantName

if TYPE_CHECKING:
    from backstay.workflows.run import RunRecord

router = routes()

RunId = Annotated[str, Path(description="The run's id.")]
Given = Annotated[Word | None, Body(description="Why; may be left out.")]


@router.get(
    "/api/runs",
    security=needs(Scope.READ),
    tags=["sagas"],
    summary="List runs, newest first",
    openapi_extensions={"x-refuses": [404]},
)
def list_runs(
    saga: Annotated[str | None, Query(description="Of this saga only.")] = None,
    state: Annotated[State | None, Query(description="In this state only.")] = None,
    tenant: Annotated[TenantName | None, Query(description="Of this tenant only.")] = None,
    cursor: Annotated[str | None, Query(description="From the page before.", max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Runs a page.")] = 20,
) -> RunPage:
    """By their start for one tenant, else by their last change of state. A page may hold fewer than `limit` and still
    have a cursor, when few runs pass the filter."""
    from backstay.workflows.run import RunState
    from backstay.workflows.run_queries import RunFilter

    wanted = RunFilter(saga, RunState(state) if state else None, caller_of(router).tenant_to_list(tenant))
    page = services().run_queries.list_runs(wanted, cursor, limit)
    return RunPage.model_construct(runs=[_shown(record) for record in page.entries], cursor=page.cursor)


@router.get("/api/runs/<run_id>", security=needs(Scope.READ), tags=["sagas"], summary="Read a run")
def get_run(run_id: RunId) -> RunDetail:
    """Its state, and every step with state, attempts, times, job, cost and output; what was undone, and what was not;
    what it cost. The steps are those that it was started with, whatever its saga says by now."""
    return detail_of_run(services().run_reader.read(_run(run_id)), services().queries)


@router.post(
    "/api/runs/<run_id>/approve",
    security=needs(Scope.OPERATE),
    tags=["sagas"],
    summary="Let a run go on that waits for approval",
    openapi_extensions={"x-refuses": [409]},
)
def approve_run(run_id: RunId, word: Given = None) -> Run:
    """Only while it waits for that; asked for again, it changes nothing."""
    run = _run(run_id)
    return _shown(services().run_control.approve(run.id, caller_of(router).key_id, word.reason if word else ""))


@router.post(
    "/api/runs/<run_id>/reject",
    security=needs(Scope.OPERATE),
    tags=["sagas"],
    summary="Refuse a run that waits for approval",
    openapi_extensions={"x-refuses": [409]},
)
def reject_run(run_id: RunId, word: Given = None) -> Run:
    """What it has done is undone, and it ends `aborted`."""
    run = _run(run_id)
    return _shown(services().run_control.reject(run.id, caller_of(router).key_id, word.reason if word else ""))


@router.post(
    "/api/runs/<run_id>/abort",
    security=needs(Scope.OPERATE),
    tags=["sagas"],
    summary="Abort a run",
    openapi_extensions={"x-refuses": [409]},
)
def abort_run(run_id: RunId) -> Run:
    """It is stopped, and what it has done is undone."""
    return _shown(services().run_control.abort(_run(run_id).id))


@router.post(
    "/api/runs/<run_id>/redrive",
    security=needs(Scope.OPERATE),
    tags=["sagas"],
    summary="Run what failed anew",
    openapi_extensions={"x-refuses": [409, 410]},
)
def redrive_run(run_id: RunId) -> Run:
    """A failed run goes on from the step that failed, one whose undoing failed from the undos that failed. A run that
    is compensated is started anew: the answer is the new run."""
    return _shown(services().run_control.redrive(_run(run_id).id, caller_of(router).key_id))


def _run(run_id: str) -> "RunRecord":
    """The run, if it is the caller's to touch; another tenant's is told as if there were none."""
    is_theirs = keys.is_job_id(run_id) and caller_of(router).may_touch(keys.tenant_of(run_id))
    record = services().runs.get(run_id) if is_theirs else None
    if record is None:
        raise Refusal(Kind.NOT_FOUND, f"there is no run {run_id[:100]!r}; it may be past its retention")
    return record


def _shown(record: "RunRecord") -> Run:
    return run_of(record, record.state_at(utc_now()))
