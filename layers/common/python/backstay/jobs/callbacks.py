"""What happens outside when a job is over: its webhook is sent, as a job of its own; a saga that waits goes on."""

import json

from backstay.clock import iso
from backstay.jobs.record import JobRecord
from backstay.jobs.submit import Submission, Submitter
from backstay.jobs.task_tokens import TaskTokens
from backstay.settings import Environment
from backstay.tracing.spans import SpanKind, span

WEBHOOK_TASK = "deliver-webhook"


class Callbacks:
    """Tells whoever asked to be told. Harmless when repeated: one webhook id for one end of a job."""

    def __init__(self, env: Environment, submitter: Submitter) -> None:
        self._submitter, self._tokens = submitter, TaskTokens(env)

    def send(self, record: JobRecord) -> None:
        """Tell of a job that is over."""
        if record.step:
            with span(f"callback {record.step.saga}", SpanKind.CLIENT) as calling:
                calling.attributes |= {"server.address": "states", "backstay.run.id": record.step.run_id}
                self._tokens.tell_end(record)
        if record.callback_url and record.task != WEBHOOK_TASK:
            self._submit_webhook(record, record.callback_url)

    def _submit_webhook(self, record: JobRecord, url: str) -> None:
        self._submitter.submit(
            Submission(
                task=WEBHOOK_TASK,
                tenant=record.tenant,
                idempotency_key=webhook_id(record),
                input={
                    "webhook_id": webhook_id(record),
                    "url": url,
                    "key_id": record.key_id,
                    "event": f"job.{record.state}",
                    "payload": event_of(record),
                },
            )
        )


def webhook_id(record: JobRecord) -> str:
    """The same for every resend of one end of one job. Standard Webhooks signs it before a dot: it may hold none."""
    return f"{record.id.replace('.', '_')}-{record.state}-{record.generation}"


def event_of(record: JobRecord) -> dict[str, object]:
    """What a webhook tells; a result that does not stand in the record is to be fetched by id."""
    return {
        "job_id": record.id,
        "task": record.task,
        "state": str(record.state),
        "result": json.loads(record.result.inline) if record.result and record.result.inline else None,
        "error": {"class": str(record.error.error_class), "message": record.error.message} if record.error else None,
        "finished_at": iso(record.finished_at) if record.finished_at else None,
    }
