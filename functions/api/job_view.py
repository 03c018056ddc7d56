"""A job's record as the API shows it."""

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from backstay.jobs.payloads import MissingPayloadError
from backstay.jobs.record import JobRecord, State
from backstay.receipt import Receipt
from backstay.tracing.context import TraceContext

from .job_shapes import (
    FailedRouteShape,
    FailedRun,
    Job,
    JobDetail,
    JobFailure,
    JobReceipt,
    JobStep,
    Links,
    ModelCall,
    Progress,
)

if TYPE_CHECKING:
    from backstay.jobs.inputs import Inputs
    from backstay.jobs.queries import JobQueries

INLINE_BYTES = 1_000_000
"""An input or result over this is answered as a link: an HTTP answer of a Lambda ends at 6 MB."""


def path_of(job_id: str) -> str:
    """Where a job is read."""
    return f"/api/jobs/{quote(job_id)}"


def job_of(record: JobRecord) -> Job:
    """The record as it is shown in lists and answers to changes."""
    return Job.model_construct(**_shown(record))


def detail_of(record: JobRecord, queries: "JobQueries", inputs: "Inputs") -> JobDetail:
    """The record with input and result."""
    work, input_link = _input(record, inputs)
    result, result_link = _result(record, queries)
    return JobDetail.model_construct(
        **_shown(record), input=work, input_link=input_link, result=result, result_link=result_link
    )


def _shown(record: JobRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "task": record.task,
        "tenant": record.tenant,
        "state": record.state,
        "priority": record.priority,
        "idempotency_key": record.key,
        "created_at": record.created_at,
        "due_at": record.due_at,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "queue_wait_ms": record.queue_wait_ms,
        "run_ms": record.run_ms,
        "attempts": record.attempts,
        "redrives": record.generation,
        "reason": record.reason,
        "budget": record.budget,
        "progress": None if record.progress is None else Progress(percent=record.progress, note=record.note or ""),
        "cancel_requested": record.cancel_requested,
        "preview": json.loads(record.preview) if record.preview else None,
        "error": _error(record),
        "failures": [
            FailedRun(attempt=failed.attempt, at=failed.at, error_class=failed.error_class, message=failed.message)
            for failed in record.failures
        ],
        "receipt": _receipt(record.receipt) if record.receipt else None,
        "tags": list(record.tags),
        "callback_url": record.callback_url,
        "step": _step(record),
        "trace_id": TraceContext.of_text(record.trace).trace_id if record.trace else None,
        "links": _links(record),
    }


def _error(record: JobRecord) -> JobFailure | None:
    error = record.error
    return JobFailure(error_class=error.error_class, message=error.message) if error else None


def _receipt(receipt: Receipt) -> JobReceipt:
    return JobReceipt(
        cost_usd=receipt.cost_usd,
        calls=[
            ModelCall(
                provider=call.provider,
                model=call.model,
                input_tokens=call.input_tokens,
                output_tokens=call.output_tokens,
                cached_tokens=call.cached_tokens,
                latency_ms=call.latency_ms,
                cost_usd=call.cost_usd,
                price_version=call.price_version,
                replayed=call.replayed,
                cached=call.cached,
                failed_over_from=[
                    FailedRouteShape(route=one.route, error_class=one.error_class) for one in call.failed_over_from
                ],
                operation=call.operation or None,
                quantity=call.quantity,
                cache_write_tokens=call.cache_write_tokens,
                cache_write_1h_tokens=call.cache_write_1h_tokens,
                reasoning_tokens=call.reasoning_tokens,
                service=call.service or None,
                saved_usd=call.saved_usd,
            )
            for call in receipt.calls
        ],
    )


def _step(record: JobRecord) -> JobStep | None:
    step = record.step
    return JobStep(run_id=step.run_id, saga=step.saga, name=step.name, direction=step.direction) if step else None


def _links(record: JobRecord) -> Links:
    path = path_of(record.id)
    return Links(
        self=path,
        cancel=None if record.state.is_terminal else f"{path}/cancel",
        retry=f"{path}/retry" if record.state is State.FAILED and not record.step else None,
    )


def _input(record: JobRecord, inputs: "Inputs") -> tuple[dict[str, Any] | None, str | None]:
    try:
        found = inputs.get_or_link(record.id, INLINE_BYTES)
    except MissingPayloadError:
        return None, None  # past its retention; the record may outlive it
    return (None, found) if isinstance(found, str) else (dict(found.document), None)


def _result(record: JobRecord, queries: "JobQueries") -> tuple[Any, str | None]:
    if record.result is None:
        return None, None
    if record.result.size > INLINE_BYTES:
        return None, queries.result_link(record)
    try:
        text = queries.result_text(record)
    except MissingPayloadError:
        return None, None
    return None if text is None else json.loads(text), None
