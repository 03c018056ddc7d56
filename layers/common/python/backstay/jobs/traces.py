"""What a trace tells of jobs: their sending, their wait, their attempts. Names as in OpenTelemetry's conventions."""

from collections.abc import Iterator
from contextlib import contextmanager

from backstay.clock import epoch_ms
from backstay.errors import Failure
from backstay.jobs.record import JobRecord
from backstay.tracing.context import TraceContext
from backstay.tracing.spans import ERROR_TYPE, Attributes, OpenSpan, SpanKind, add_span, span


def context_of(record: JobRecord) -> TraceContext | None:
    """Where in its trace a job was submitted; None where it is not traced."""
    return TraceContext.of_text(record.trace) if record.trace else None


@contextmanager
def attempt_span(record: JobRecord) -> Iterator[OpenSpan]:
    """One run of a job, from its claim on; before its first run, how long it waited."""
    if record.fence == 1 and record.started_at:
        add_span(f"wait {record.task}", epoch_ms(record.created_at) / 1000, epoch_ms(record.started_at) / 1000)
    with span(f"process {record.task}", SpanKind.CONSUMER) as attempt:
        attempt.attributes |= {**facts_of(record), "backstay.attempt": record.attempts}
        yield attempt


def facts_of(record: JobRecord) -> Attributes:
    """What every span about a job says."""
    return {
        "messaging.system": "aws_sqs",
        "messaging.destination.name": record.task,
        "backstay.job.id": record.id,
        "backstay.task": record.task,
        "backstay.tenant": record.tenant,
    }


def end_of(failure: Failure | None, outcome: str) -> Attributes:
    """How an attempt ended, and what became of the job."""
    return {"backstay.outcome": outcome, **({ERROR_TYPE: str(failure.error_class)} if failure else {})}
