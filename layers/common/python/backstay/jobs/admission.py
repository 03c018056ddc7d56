"""From a message to a claimed job: understand it, claim it, or say why not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from backstay.catalog import AnyTask
from backstay.clock import Clock
from backstay.errors import ErrorClass, Failure
from backstay.jobs.departures import Departures
from backstay.jobs.endings import Endings
from backstay.jobs.inputs import Inputs
from backstay.jobs.keys import tenant_of
from backstay.jobs.lanes import Lanes
from backstay.jobs.message import (
    DEAD_LETTER_FENCE,
    DEAD_LETTER_POISON,
    JobMessage,
    NotAJobError,
    RawMessage,
    StepMessage,
    read,
)
from backstay.jobs.payloads import MissingPayloadError
from backstay.jobs.poison import PoisonStore
from backstay.jobs.queues import Queues
from backstay.jobs.record import JobRecord, State
from backstay.jobs.step_admission import Prepared, StepAdmission, StepInputs
from backstay.jobs.store import JobStore, LostLeaseError, Refused
from backstay.jobs.submit import InvalidInputError, KeyConflictError, StepJobError, Submission, Submitter
from backstay.settings import Environment
from backstay.telemetry import name_subject
from backstay.tracing.sampling import Sampling
from backstay.tracing.spans import gathering


@dataclass(frozen=True, slots=True)
class Envelope:
    """One record of an SQS event."""

    message_id: str
    receipt_handle: str
    body: str
    queue: str
    """The queue's name without stage."""
    fence: int | None
    """Set on a message that comes back from the dead letter queue."""
    poison_id: str | None = None
    """Set on one that comes back from there and was no job when it went."""
    trace_header: str | None = None
    """Set by AWS services whose work is traced."""

    @classmethod
    def of(cls, record: Mapping[str, Any], queue: str) -> "Envelope":
        """From the event's own form."""
        attributes = record.get("messageAttributes", {})
        fence = attributes.get(DEAD_LETTER_FENCE, {}).get("stringValue")
        return cls(
            record["messageId"],
            record["receiptHandle"],
            record["body"],
            queue,
            int(fence) if fence else None,
            attributes.get(DEAD_LETTER_POISON, {}).get("stringValue"),
            record.get("attributes", {}).get("AWSTraceHeader"),
        )


@dataclass(frozen=True, slots=True)
class Run:
    """A job that this worker has claimed."""

    envelope: Envelope
    message: JobMessage
    """What is sent when the job must wait. Not what came: a plain message, sent again, would become another job."""
    record: JobRecord
    work: Mapping[str, Any]
    version: int


@dataclass(frozen=True, slots=True)
class Suspect:
    """A job whose last worker never came back: to be run alone."""

    envelope: Envelope
    record: JobRecord
    job: Prepared


@dataclass(frozen=True, slots=True)
class Settled:
    """A message that is dealt with: acknowledged, or kept in the queue."""

    acknowledge: bool
    outcome: str = "repeated"
    """What became of the job, as a metric's name says it."""


ACKNOWLEDGE = Settled(acknowledge=True)
KEEP = Settled(acknowledge=False)


class Admission:
    """Admits the messages of one task's queues."""

    def __init__(
        self, env: Environment, task: AnyTask, submitter: Submitter, endings: Endings, inputs: StepInputs, clock: Clock
    ) -> None:
        self._task, self._submitter, self._endings, self._clock = task, submitter, endings, clock
        self._steps = StepAdmission(env, task, submitter, inputs, clock)
        self._store, self._lanes = JobStore(env.jobs_table), Lanes(env.jobs_table)
        self._inputs, self._queues = Inputs(env), Queues(env, clock)
        self._poison, self._departures = PoisonStore(env.jobs_table), Departures(env.jobs_table)
        self._lease = timedelta(seconds=task.limits.lease_s)
        self._sampling = Sampling.read()

    def admit(self, envelope: Envelope, batch: int) -> Run | Suspect | Settled:
        """Understand the message and claim its job.

        Args:
            envelope: the message.
            batch: jobs that this worker runs side by side.
        """
        if envelope.poison_id:
            self._poison.delete(envelope.poison_id)  # it lies in the dead letter queue no more
        try:
            job = self._job_of(envelope)
        except NotAJobError as error:
            return self._bury(envelope, Failure(ErrorClass.NOT_A_JOB, str(error)))
        except InvalidInputError as error:
            return self._bury(envelope, Failure(ErrorClass.INVALID_INPUT, str(error)))
        if job is None:
            return ACKNOWLEDGE
        name_subject(job_id=job.message.job_id)
        if self._task.ordered_by and not self._has_its_turn(job.message.job_id):
            return ACKNOWLEDGE  # the end of the job before it sends it again
        claimed = self._store.claim(job.message.job_id, self._task.name, self._clock(), self._lease, batch)
        if isinstance(claimed, Refused):
            return self._refused(envelope, job, claimed.record)
        return self._run_of(envelope, claimed, job)

    def admit_alone(self, suspect: Suspect) -> Run | Settled:
        """Claim a job whose last lease lapsed, or fail it when it has crashed too often."""
        record = suspect.record
        if record.cancel_requested:
            self._endings.cancel(record)
            return ACKNOWLEDGE
        if record.attempts >= self._task.limits.max_attempts:
            message = f"the worker died in each of {record.attempts} attempts"
            self._endings.fail(record, Failure(ErrorClass.CRASHED, message), record.receipt)
            return ACKNOWLEDGE
        claimed = self._store.reclaim(record, self._clock(), self._lease)
        if isinstance(claimed, Refused):
            return KEEP
        return self._run_of(suspect.envelope, claimed, suspect.job)

    def _has_its_turn(self, job_id: str) -> bool:
        record = self._store.get(job_id)
        if record is None or record.lane is None or record.state.is_terminal:
            return True  # the claim says what is wrong with it
        if self._lanes.turn(record.lane) == job_id:
            return True
        self._submitter.line.join(record)
        return False

    def _refused(self, envelope: Envelope, job: Prepared, record: JobRecord | None) -> Suspect | Settled:
        now = self._clock()
        if record is None:
            if self._departures.has(tenant_of(job.message.job_id)):
                return ACKNOWLEDGE  # its tenant's data were deleted: nothing of it goes on record again
            reason = f"job {job.message.job_id} is not on record; it may be past its retention"
            return self._bury(envelope, Failure(ErrorClass.NOT_A_JOB, reason))
        if record.state is State.FAILED and envelope.fence == record.fence:
            return self._revive(record)
        if record.state.is_terminal:
            self._endings.repeat(record)
            return ACKNOWLEDGE
        if record.lease_lapsed(now):
            return Suspect(envelope, record, job)
        until = record.lease_until or record.due_at
        self._queues.hide(envelope.queue, envelope.receipt_handle, (until - now).total_seconds() if until else 0)
        return KEEP

    def _revive(self, record: JobRecord) -> Settled:
        """A dead letter that came back from its queue is a redrive."""
        try:
            self._submitter.revive(record)
        except LostLeaseError:
            return KEEP  # somebody else has revived it meanwhile: looked at again
        except (MissingPayloadError, StepJobError):
            self._endings.repeat(record)  # can't be run any more, at least not by itself: back to the dead letters
        return ACKNOWLEDGE

    def _bury(self, envelope: Envelope, failure: Failure) -> Settled:
        poison = self._poison.put(self._task.name, envelope.message_id, envelope.body, failure, self._clock())
        self._queues.bury_poison(poison)
        return ACKNOWLEDGE

    def _job_of(self, envelope: Envelope) -> Prepared | None:
        message = read(envelope.body, envelope.message_id, self._task.name, self._task.version)
        if isinstance(message, JobMessage):
            return Prepared(message)
        if isinstance(message, StepMessage):
            with gathering(self._sampling.of_run(message.step.run_id), self._task.name):
                return self._steps.prepare(message)
        with gathering(self._sampling.of_message(envelope.trace_header), self._task.name):
            record = self._register(message)
        return Prepared(JobMessage(record.task, record.id, message.input, record.version))

    def _register(self, message: RawMessage) -> JobRecord:
        try:
            return self._submitter.register(submission_of(message))
        except KeyConflictError as error:
            raise NotAJobError(str(error)) from error

    def _run_of(self, envelope: Envelope, record: JobRecord, job: Prepared) -> Run | Settled:
        message = job.message
        if job.unfit:
            return self._fail(record, job.unfit)
        if (work := job.work if message.input is None else message.input) is not None:
            return Run(envelope, message, record, work, message.version)
        try:
            document = self._inputs.get(record.id).document
        except MissingPayloadError as error:
            return self._fail(record, Failure(ErrorClass.INVALID_INPUT, str(error)))
        return Run(envelope, message, record, document, record.version)

    def _fail(self, record: JobRecord, failure: Failure) -> Settled:
        self._endings.fail(record, failure, record.receipt)
        return ACKNOWLEDGE


def submission_of(message: RawMessage) -> Submission:
    """The submission that a plain message amounts to."""
    return Submission(
        task=message.task,
        input=message.input,
        input_ref=message.input_ref,
        tenant=message.tenant,
        idempotency_key=message.idempotency_key,
        priority=message.priority,
        tags=message.tags,
        callback_url=message.callback_url,
        version=message.version,
    )
