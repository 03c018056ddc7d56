"""Runs as the API shows them."""

import json
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from backstay.clock import from_iso
from backstay.jobs.payloads import MissingPayloadError
from backstay.jobs.record import JobRecord

from .job_shapes import JobFailure
from .job_view import path_of
from .run_shapes import (
    Awaited,
    Run,
    RunDetail,
    RunFailure,
    RunLinks,
    RunStep,
    RunUndo,
    SharedShape,
    StandingEffect,
    State,
    StuckShape,
)

if TYPE_CHECKING:
    from backstay.jobs.queries import JobQueries
    from backstay.workflows.run import RunRecord, RunState
    from backstay.workflows.run_reading import RunStanding, StepStanding

INLINE_BYTES = 100_000
"""An output over this is answered as a link; an answer holds those of all steps."""

_REDRIVABLE: tuple[State, ...] = ("failed", "compensation_failed", "compensated")
_WAITS: tuple[State, ...] = ("waiting_for_approval", "waiting_for_signal")


def path_of_run(run_id: str) -> str:
    """Where a run is read."""
    return f"/api/runs/{quote(run_id)}"


def run_of(record: "RunRecord", state: "RunState") -> Run:
    """The record as it is shown in lists and answers to changes."""
    return Run.model_construct(**_shown(record, state))


def detail_of_run(standing: "RunStanding", queries: "JobQueries") -> RunDetail:
    """A run with its steps."""
    undone = [step for step in standing.steps if step.is_undone]
    return RunDetail.model_construct(
        **_shown(standing.record, standing.state),
        steps=[_step(step, queries) for step in standing.steps],
        undone=[step.plan.name for step in reversed(undone)],
        standing=[StandingEffect(step=name, why=why.value) for name, why in standing.left.items()],
        cost_usd=standing.cost_usd,
        picture=standing.plan.picture if standing.plan else None,
        saga_has_changed=standing.saga_has_changed,
        shared=SharedShape(version=standing.shared.version, state=dict(standing.shared.properties)),
    )


def _shown(record: "RunRecord", state: "RunState") -> dict[str, Any]:
    return {
        "id": record.id,
        "saga": record.saga,
        "tenant": record.tenant,
        "state": cast("State", str(state)),
        "idempotency_key": record.key,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "duration_ms": record.duration_ms,
        "executions": record.execution,
        "redrives": record.redrives,
        "pre_approved": record.pre_approved,
        "waits_for": _awaited(record, state),
        "stuck": _stuck(record),
        "error": _failure(record),
        "links": _links(record, state),
    }


def _awaited(record: "RunRecord", state: "RunState") -> Awaited | None:
    wait = record.wait
    if wait is None or state not in _WAITS:
        return None
    return Awaited(step=wait.step, event=wait.event, since=from_iso(wait.entered_at), until=wait.until)


def _stuck(record: "RunRecord") -> StuckShape | None:
    stuck = record.stuck
    return StuckShape(step=stuck.step, since=stuck.since, limit_s=stuck.limit_s) if stuck else None


def _failure(record: "RunRecord") -> RunFailure | None:
    first = record.first_failure
    return RunFailure(error_class=first[0], message=first[1]) if first else None


def _links(record: "RunRecord", state: "RunState") -> RunLinks:
    path = path_of_run(record.id)
    is_asked = state == "waiting_for_approval"
    return RunLinks(
        self=path,
        approve=f"{path}/approve" if is_asked else None,
        reject=f"{path}/reject" if is_asked else None,
        abort=f"{path}/abort" if not state.is_end and record.mode == "do" else None,
        redrive=f"{path}/redrive" if state in _REDRIVABLE else None,
        redrive_of=path_of_run(record.redrive_of) if record.redrive_of else None,
        redriven_as=path_of_run(record.redriven_as) if record.redriven_as else None,
    )


def _step(step: "StepStanding", queries: "JobQueries") -> RunStep:
    job, answer = step.job, step.answer
    output, link = _output(job, queries) if job else (dict(answer.payload) if answer else None, None)
    return RunStep.model_construct(
        name=step.plan.name,
        kind=str(step.plan.kind),
        task=step.plan.task,
        state=str(step.state),
        is_undone=step.is_undone,
        is_in_doubt=step.is_in_doubt,
        job_id=job.id if job else None,
        attempts=job.attempts if job else 0,
        started_at=job.started_at if job else from_iso(step.wait.entered_at) if step.wait else None,
        finished_at=job.finished_at if job else answer.at if answer else None,
        queue_wait_ms=job.queue_wait_ms if job else None,
        run_ms=job.run_ms if job else None,
        cost_usd=_cost(job),
        output=output,
        output_link=link,
        error=_error(job),
        answered_by=answer.by if answer else None,
        undo=_undo(step.undo) if step.undo else None,
        job=path_of(job.id) if job else None,
    )


def _undo(job: JobRecord) -> RunUndo:
    return RunUndo.model_construct(
        task=job.task,
        job_id=job.id,
        state=str(job.state),
        attempts=job.attempts,
        started_at=job.started_at,
        finished_at=job.finished_at,
        cost_usd=_cost(job),
        error=_error(job),
        job=path_of(job.id),
    )


def _cost(job: JobRecord | None) -> Any:
    return job.receipt.cost_usd if job and job.receipt else None


def _error(job: JobRecord | None) -> JobFailure | None:
    error = job.error if job else None
    return JobFailure(error_class=error.error_class, message=error.message) if error else None


def _output(job: JobRecord, queries: "JobQueries") -> tuple[Any, str | None]:
    if job.result is None:
        return None, None
    if job.result.size > INLINE_BYTES:
        return None, queries.result_link(job)
    try:
        text = queries.result_text(job)
    except MissingPayloadError:
        return None, None
    return None if text is None else json.loads(text), None
