"""From a request for work to a job."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, cast

from pydantic import ValidationError

from backstay.access.caller import Caller
from backstay.clock import utc_now
from backstay.errors import BackstayError
from backstay.jobs.payloads import to_json
from backstay.jobs.record import JobRecord

from .failures import refusal_of, refusal_of_findings
from .job_shapes import JobRequest
from .problems import Kind, Refusal, invalid
from .services import services

if TYPE_CHECKING:
    from backstay.jobs.submit import Submission, Submitted

INTERNAL_TASKS = frozenset(
    {
        "await-signal",
        "delete-tenant-data",
        "deliver-alert",
        "deliver-webhook",
        "redrive-dead-letters",
        "settle-step",
        "wake-parked-jobs",
    }
)
"""Backstay's own: some act for any tenant, and have routes that check who asks; others only sagas and jobs send."""

LARGEST_INPUT_BYTES = 200_000


def submit(job: JobRequest, caller: Caller, header_key: str | None = None) -> "Submitted":
    """Make the job that a caller asks for.

    Raises:
        Refusal: the request is at odds with itself, or too large.
        Forbidden: it is for a tenant that the caller may not act for.
        BackstayError: what `Submitter.submit` raises.
    """
    return services().submitter.submit(_submission(job, caller, header_key))


def submit_internal(task: str, work: Mapping[str, Any], tenant: str, caller: Caller) -> "Submitted":
    """Make a job of one of Backstay's own tasks, once its route has checked who asks."""
    from backstay.jobs.submit import Submission

    return services().submitter.submit(Submission(task=task, input=work, tenant=tenant, key_id=caller.key_id))


def answer_to_one(job: Any, caller: Caller) -> tuple[int, JobRecord | Refusal]:
    """What `POST /api/jobs` would answer to one job of a batch: status, and the job or the refusal."""
    try:
        submitted = submit(JobRequest.model_validate(job), caller)
    except ValidationError as error:
        refusal: Refusal = refusal_of_findings(cast("list[Mapping[str, Any]]", error.errors(include_url=False)))
    except Refusal as error:
        refusal = error
    except BackstayError as error:
        known = refusal_of(error)
        if known is None:
            raise
        refusal = known
    else:
        return (202 if submitted.created else 200), submitted.record
    return refusal.kind.status, refusal


def visible_tasks() -> tuple[str, ...]:
    """The names of the tasks that anybody may bring work for."""
    return tuple(name for name in services().catalog.names if name not in INTERNAL_TASKS)


def _submission(job: JobRequest, caller: Caller, header_key: str | None) -> "Submission":
    from backstay.catalog import UnknownTaskError
    from backstay.jobs.submit import Submission

    if job.task not in visible_tasks():
        raise UnknownTaskError(job.task, visible_tasks())
    check_alternatives(job, header_key)
    if job.delay_s is not None and job.run_at is not None:
        raise invalid("run_at", "give either 'delay_s' or 'run_at', not both", job.run_at.isoformat())
    check_size(job.input)
    if job.callback_url is not None:
        _check_callback(job.callback_url, caller)
    return Submission(
        task=job.task,
        input=job.input,
        input_ref=job.input_ref,
        tenant=caller.tenant_for(job.tenant),
        idempotency_key=job.idempotency_key or header_key,
        priority=job.priority,
        run_at=job.run_at if job.delay_s is None else utc_now() + timedelta(seconds=job.delay_s),
        tags=job.tags,
        callback_url=job.callback_url,
        key_id=caller.key_id,
    )


class Work(Protocol):
    """What brings an input in one of two ways, and a key in one of two ways."""

    @property
    def input(self) -> Mapping[str, Any] | None:
        """The input itself."""

    @property
    def input_ref(self) -> str | None:
        """Where it was uploaded."""

    @property
    def idempotency_key(self) -> str | None:
        """The key in the body."""


def check_alternatives(work: Work, header_key: str | None) -> None:
    """See to it that what may be given in one of two ways is not given in both.

    Raises:
        Refusal: it is.
    """
    if work.input is not None and work.input_ref is not None:
        raise invalid("input_ref", "give either 'input' or 'input_ref', not both", work.input_ref)
    if work.idempotency_key and header_key and work.idempotency_key != header_key:
        raise invalid("idempotency_key", "differs from the header Idempotency-Key; send one", work.idempotency_key)


def check_size(work: Mapping[str, Any] | None) -> None:
    """See to it that an input is small enough for a request.

    Raises:
        Refusal: it is not; says how to bring it.
    """
    size = len(to_json(work).encode()) if work is not None else 0
    if size > LARGEST_INPUT_BYTES:
        raise Refusal(
            Kind.TOO_LARGE,
            f"the input has {size} bytes and may have {LARGEST_INPUT_BYTES} here; bring it by POST /api/uploads and"
            " send 'input_ref'",
        )


def _check_callback(url: str, caller: Caller) -> None:
    from backstay.outbound.policy import check_url_syntax
    from backstay.outbound.refusal import AddressRefusedError

    try:
        check_url_syntax(url, services().outbound)
    except AddressRefusedError as error:
        raise invalid("callback_url", str(error), url[:100]) from error
    if caller.webhook_secret_name is None:
        remedy = f"'backstay keys rotate {caller.key_id} --webhook' makes one"
        raise invalid("callback_url", f"key {caller.key_id} has no webhook secret to sign with; {remedy}", url[:100])
