"""Submitting: written first, then sent, and idempotent, so that nobody has to guess whether a retry is safe."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from backstay.catalog import AnyTask, Catalog
from backstay.clock import Clock, utc_now
from backstay.errors import BackstayError
from backstay.jobs import keys
from backstay.jobs.inputs import Inputs, InputTakenError
from backstay.jobs.lanes import Lanes, Line, lane_id
from backstay.jobs.message import write
from backstay.jobs.payloads import PayloadBucket, to_json
from backstay.jobs.queues import Queues
from backstay.jobs.record import JobRecord, State
from backstay.jobs.step import Step
from backstay.jobs.store import JobStore
from backstay.jobs.traces import facts_of
from backstay.jobs.uploads import UploadError, read_upload
from backstay.settings import Environment
from backstay.telemetry import name_subject
from backstay.tracing.spans import SpanKind, current_context, span

LONGEST_DELAY = timedelta(days=366)
MOST_TAGS = 10
LONGEST_TAG = 64


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with an input: where, what, and the value that was given."""

    field: str
    message: str
    value: str | None = None


class InvalidInputError(BackstayError):
    """A submission that can't become a job; `errors` name every field at fault."""

    def __init__(self, task: str, errors: tuple[FieldError, ...]) -> None:
        super().__init__(f"{task}: " + "; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = errors


class StepJobError(BackstayError):
    """The job was a step's: by itself it can't be run anew, since its run has gone on without it."""

    def __init__(self, job_id: str, step: Step) -> None:
        super().__init__(
            f"job {job_id} was step {step.name!r} of run {step.run_id}, which has taken note of its failure; redrive"
            f" the run instead: POST /api/runs/{step.run_id}/redrive"
        )


class KeyConflictError(BackstayError):
    """The key belongs to a job with another input."""

    def __init__(self, job_id: str, key: str) -> None:
        super().__init__(f"key {key!r} belongs to job {job_id}, which has another input; use another key")
        self.job_id = job_id


@dataclass(frozen=True, slots=True)
class Submission:
    """What a caller wants done."""

    task: str
    input: Mapping[str, Any] | None = None
    input_ref: str | None = None
    """Instead of `input`: what `POST /api/uploads` answered."""
    tenant: str = keys.DEFAULT_TENANT
    idempotency_key: str | None = None
    priority: str = "normal"
    run_at: datetime | None = None
    tags: tuple[str, ...] = ()
    callback_url: str | None = None
    key_id: str | None = None
    version: int | None = None
    """Of the input; None for today's."""
    step: Step | None = None
    """The saga step that waits for the job."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The job, and whether this submission made it."""

    record: JobRecord
    created: bool


@dataclass(frozen=True, slots=True)
class _Checked:
    task: AnyTask
    text: str
    document: Mapping[str, Any]
    work: Any = field(repr=False)


class Submitter:
    """Turns submissions into jobs."""

    def __init__(self, env: Environment, catalog: Catalog, clock: Clock = utc_now) -> None:
        self._catalog, self._clock = catalog, clock
        self._store, self._inputs = JobStore(env.jobs_table), Inputs(env)
        self._queues = Queues(env, clock)
        self._bucket = PayloadBucket(env.payloads_bucket)
        self._lanes = Lanes(env.jobs_table)
        self.line = Line(self._lanes, self.resend)

    def submit(self, submission: Submission) -> Submitted:
        """Make the job, or find the one that the same key made before.

        Raises:
            UnknownTaskError: lists the tasks that there are.
            InvalidInputError: names the fields at fault.
            KeyConflictError: the key belongs to a job with another input.
        """
        with span(f"send {submission.task}", SpanKind.PRODUCER) as sending:
            submitted, work = self._write(submission)
            record = submitted.record
            sending.attributes |= facts_of(record)
            name_subject(job_id=record.id)
            if submitted.created or (record.fence == 0 and not record.state.is_terminal):
                # An earlier submit of a job never claimed may have died before it sent; two messages are harmless.
                self._dispatch(self._catalog.get(record.task), record, work)
        return submitted

    def register(self, submission: Submission) -> JobRecord:
        """Make or find the job of a message that is in the queue already, and needn't be sent.

        Raises:
            InvalidInputError, KeyConflictError: as `submit` does.
        """
        return self._write(submission)[0].record

    def supply(self, record: JobRecord, submission: Submission) -> JobRecord:
        """Give a job that is on record without an input the one that it lacks.

        Raises:
            InvalidInputError, KeyConflictError: as `submit` does.
            LostLeaseError: the job has changed meanwhile.
        """
        checked, now = self._check(submission), self._clock()
        whole = self._new_record(submission, checked, now)
        self._put_input(whole, checked, now)
        supplied = replace(
            record,
            input_digest=whole.input_digest,
            version=whole.version,
            preview=whole.preview,
            lane=whole.lane,
            lane_number=whole.lane_number,
        )
        self._store.save(record, supplied)
        return supplied

    def resend(self, job_id: str) -> bool:
        """Send the message of a job that waits; answers whether the job is there and not over.

        Raises:
            MissingPayloadError: its input is past its retention.
        """
        record = self._store.get(job_id)
        if record is None or record.state.is_terminal:
            return False
        if record.state in (State.WAITING, State.DELAYED):
            self.send_again(record)
        return True

    def send_again(self, record: JobRecord) -> None:
        """Send the message of a job that isn't over, whatever has become of its message. Two are harmless.

        Raises:
            MissingPayloadError: its input is past its retention.
        """
        work = self._inputs.get(record.id).for_message
        self._queues.send(self._catalog.get(record.task), record, write(record, work))

    def revive(self, record: JobRecord) -> JobRecord:
        """Redrive a failed job: from its record, under its key, with its counters reset.

        Raises:
            StepJobError: it was a step's.
            IllegalMoveError: the job has not failed.
            LostLeaseError: somebody else revived it meanwhile.
            MissingPayloadError: its input is past its retention; the job stays failed.
        """
        if record.step:
            raise StepJobError(record.id, record.step)
        work = self._inputs.get(record.id).for_message
        self._inputs.prolong(record.id, self._clock())
        number = self._lanes.take_number(record.lane) if record.lane else None
        revived = record.revived(self._clock(), number)
        self._store.save(record, revived)
        if revived.lane:
            self.line.join(revived)
        else:
            self._queues.send(self._catalog.get(revived.task), revived, write(revived, work))
        return revived

    def _write(self, submission: Submission) -> tuple[Submitted, Mapping[str, Any] | None]:
        """Write what isn't there yet; answers also the input, where it is small enough for a message."""
        checked = self._check(submission)
        now = self._clock()
        record = self._new_record(submission, checked, now)
        small = self._put_input(record, checked, now)
        existing = self._store.create(record)
        return Submitted(existing or record, created=existing is None), checked.document if small else None

    def _put_input(self, record: JobRecord, checked: _Checked, now: datetime) -> bool:
        try:
            return self._inputs.put(record, checked.text, now)
        except InputTakenError as error:
            raise KeyConflictError(record.id, record.key) from error

    def _check(self, submission: Submission) -> _Checked:
        task = self._catalog.get(submission.task)
        errors = list(_envelope_errors(submission, self._clock()))
        document = self._document(submission, errors)
        if errors:
            raise InvalidInputError(task.name, tuple(errors))
        try:
            work = task.read_input(document, submission.version)
        except ValidationError as error:
            raise InvalidInputError(task.name, field_errors(error, "input")) from error
        return _Checked(task, to_json(document), document, work)

    def _document(self, submission: Submission, errors: list[FieldError]) -> Mapping[str, Any]:
        if submission.input is not None:
            return submission.input
        if submission.input_ref is None:
            errors.append(FieldError("input", "give either 'input' or 'input_ref'"))
            return {}
        try:
            return read_upload(self._bucket, submission.tenant, submission.input_ref)
        except UploadError as error:
            errors.append(FieldError("input_ref", str(error), submission.input_ref))
            return {}

    def _new_record(self, submission: Submission, checked: _Checked, now: datetime) -> JobRecord:
        task = checked.task
        key = submission.idempotency_key or task.natural_key(checked.work) or keys.fresh_key()
        due = submission.run_at if submission.run_at and submission.run_at > now else None
        lane_value = task.lane_of(checked.work)
        lane = None if lane_value is None else lane_id(submission.tenant, task.name, lane_value)
        preview = task.preview_of(checked.work)
        return JobRecord(
            id=keys.job_id(submission.tenant, task.name, key),
            task=task.name,
            state=State.DELAYED if due else State.WAITING,
            key=key,
            input_digest=keys.digest_of(checked.document),
            created_at=now,
            changed_at=now,
            version=submission.version or task.version,
            priority=submission.priority,
            due_at=due,
            reason="scheduled" if due else None,
            preview=preview.model_dump_json() if preview else None,
            tags=submission.tags,
            callback_url=submission.callback_url,
            key_id=submission.key_id,
            lane=lane,
            lane_number=self._lanes.take_number(lane) if lane else None,
            step=submission.step,
            trace=trace.text if (trace := current_context()) else None,
        )

    def _dispatch(self, task: AnyTask, record: JobRecord, work: Mapping[str, Any] | None) -> None:
        if record.lane and not record.due_at:
            self.line.join(record)
        else:
            self._queues.send(task, record, write(record, work))


def field_errors(error: ValidationError, root: str) -> tuple[FieldError, ...]:
    """pydantic's findings, each with the path of its field below `root`."""
    return tuple(
        FieldError(
            ".".join([root, *(str(part) for part in finding["loc"])]),
            finding["msg"],
            _shown(finding["input"]),
        )
        for finding in error.errors(include_url=False, include_context=False)
    )


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 100 else text[:97] + "..."


def _envelope_errors(submission: Submission, now: datetime) -> list[FieldError]:
    errors = []
    if submission.priority not in ("high", "normal", "low"):
        errors.append(FieldError("priority", "must be high, normal or low", submission.priority))
    if submission.run_at and submission.run_at > now + LONGEST_DELAY:
        errors.append(FieldError("run_at", "must be within a year", submission.run_at.isoformat()))
    if len(submission.tags) > MOST_TAGS:
        errors.append(FieldError("tags", f"may be {MOST_TAGS} at most", str(len(submission.tags))))
    errors += [
        FieldError(f"tags.{index}", f"must have 1 to {LONGEST_TAG} characters", tag[:100])
        for index, tag in enumerate(submission.tags)
        if not 1 <= len(tag) <= LONGEST_TAG
    ]
    key = submission.idempotency_key
    if key is not None and not 1 <= len(key) <= 200:
        errors.append(FieldError("idempotency_key", "must have 1 to 200 characters", key[:100]))
    return errors
