"""How jobs end: the record first, then what others are told. Each telling may be repeated without harm."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel

from backstay.clock import Clock, utc_now
from backstay.config import JobsSettings
from backstay.errors import Failure
from backstay.jobs.callbacks import Callbacks
from backstay.jobs.payloads import PayloadBucket, result_location
from backstay.jobs.queues import Queues
from backstay.jobs.record import JobRecord, State
from backstay.jobs.store import RESULT_PART, JobStore
from backstay.jobs.submit import Submitter
from backstay.receipt import Receipt
from backstay.settings import Environment
from backstay.telemetry import speaking_of


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the records of jobs that are over are kept."""

    completed: timedelta = timedelta(days=7)
    failed: timedelta = timedelta(days=30)
    steps: timedelta = timedelta(days=60)
    """However they ended: later steps read their results."""

    @classmethod
    def of_settings(cls, jobs: JobsSettings) -> "Retention":
        """As backstay.toml says."""
        days = (jobs.keep_completed_days, jobs.keep_failed_days, jobs.keep_steps_days)
        return cls(*(timedelta(days=number) for number in days))

    def of(self, record: JobRecord, end: State) -> timedelta:
        """How long a job is kept that ends so."""
        if record.step:
            return self.steps
        return self.failed if end is State.FAILED else self.completed


class Endings:
    """Ends jobs of any task."""

    def __init__(self, env: Environment, submitter: Submitter, retention: Retention, clock: Clock = utc_now) -> None:
        self._store, self._queues = JobStore(env.jobs_table), Queues(env, clock)
        self._bucket = PayloadBucket(env.payloads_bucket)
        self._submitter, self._retention, self._clock = submitter, retention, clock
        self._callbacks = Callbacks(env, submitter)

    def complete(self, record: JobRecord, output: BaseModel, receipt: Receipt) -> JobRecord:
        """Record the result, then tell.

        Raises:
            LostLeaseError: the worker that ran it no longer holds the job.
        """
        text = output.model_dump_json()
        folder = "steps" if record.step else "results"
        payload = result_location(text, f"{folder}/{record.tenant}/{record.id}/{record.fence}")
        now, keep = self._clock(), self._retention.of(record, State.COMPLETED)
        if payload.s3_key:
            self._bucket.put(payload.s3_key, text)
        elif payload.inline is None:
            part = f"{RESULT_PART}#{record.fence}"
            self._store.put_text(record.id, part, text, now + keep)
        completed = record.completed(now, payload, receipt, keep)
        self._store.save(record, completed)
        self._tell(completed)
        return completed

    def fail(self, record: JobRecord, failure: Failure, receipt: Receipt | None) -> JobRecord:
        """Record the failure, put a message into the dead letter queue, then tell.

        Raises:
            LostLeaseError: somebody else has changed the job.
        """
        failed = record.failed(self._clock(), failure, receipt, self._retention.of(record, State.FAILED))
        self._store.save(record, failed)
        self._bury(failed)
        self._tell(failed)
        return failed

    def cancel(self, record: JobRecord, receipt: Receipt | None = None) -> JobRecord:
        """Record that the job was called off, and what its last run cost, then tell.

        Raises:
            LostLeaseError: somebody else has changed the job.
        """
        cancelled = record.cancelled(self._clock(), self._retention.of(record, State.CANCELLED), receipt)
        self._store.save(record, cancelled)
        self._tell(cancelled)
        return cancelled

    def repeat(self, record: JobRecord) -> None:
        """Tell again of a job that is over: whoever ended it may have died before telling."""
        if record.state is State.FAILED:
            self._bury(record)
        self._tell(record)

    def _bury(self, record: JobRecord) -> None:
        if record.error is None:
            raise ValueError(f"job {record.id} has failed without an error")
        self._queues.bury(record, record.error)

    def _tell(self, record: JobRecord) -> None:
        with speaking_of(job_id=record.id):  # whoever ends a job, be it a worker, the API or the sweep
            self._callbacks.send(record)
            if record.lane:
                self._submitter.line.pass_on(record)
