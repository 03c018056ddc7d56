"""A job's life as the jobs table's stream tells it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from backstay.dynamodb import encode_item
from backstay.errors import ErrorClass, Failure
from backstay.jobs.items import to_item
from backstay.jobs.record import JobRecord, Payload, State
from backstay.receipt import Call, Receipt

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEEP = timedelta(days=7)
FAILURE = Failure(ErrorClass.SERVER, "no")


def a_call(usd: str | None = "0.01", provider: str = "openai", model: str = "m", **more: Any) -> Call:
    return Call(provider, model, 100, 10, 1, None if usd is None else Decimal(usd), **more)


def a_job(number: int = 0, tenant: str = "acme", task: str = "obey", tags: Sequence[str] = ()) -> JobRecord:
    job_id = f"{tenant}.{number:024d}"
    return JobRecord(job_id, task, State.WAITING, "k", "digest", NOW, NOW, tags=tuple(tags))


def claimed(job: JobRecord) -> JobRecord:
    return replace(job, state=State.ACTIVE, attempts=job.attempts + 1, fence=job.fence + 1)


def _with(job: JobRecord, calls: Sequence[Call]) -> Receipt:
    return Receipt((*(job.receipt.calls if job.receipt else ()), *calls))


def completed(job: JobRecord, *calls: Call, at: datetime = NOW) -> JobRecord:
    return claimed(job).completed(at, Payload(inline="{}", size=2), _with(job, calls), KEEP)


def retried(job: JobRecord, *calls: Call, at: datetime = NOW) -> JobRecord:
    return claimed(job).to_retry(at, at, FAILURE, _with(job, calls))


def failed(job: JobRecord, *calls: Call, at: datetime = NOW) -> JobRecord:
    return claimed(job).failed(at, FAILURE, _with(job, calls), KEEP)


def portioned(job: JobRecord, *calls: Call, at: datetime = NOW) -> JobRecord:
    return claimed(job).parked(at, at, Failure(ErrorClass.IN_PORTIONS, "more"), _with(job, calls))


def told(*states: JobRecord | None) -> list[dict[str, Any]]:
    """The stream's records of a job that went through these states; None: it is not there."""
    return [_record(number, *pair) for number, pair in enumerate(pairwise(states))]


def _record(number: int, old: JobRecord | None, new: JobRecord | None) -> dict[str, Any]:
    images = {name: encode_item(to_item(job)) for name, job in (("OldImage", old), ("NewImage", new)) if job}
    job = new or old
    return {"eventID": f"{job.id if job else ''}-{number}", "dynamodb": images}
