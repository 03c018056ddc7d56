"""What a person or a caller may do to a job: call it off, or try it again."""

from backstay.catalog import Catalog
from backstay.clock import Clock, utc_now
from backstay.errors import BackstayError
from backstay.jobs.endings import Endings, Retention
from backstay.jobs.record import JobRecord, State
from backstay.jobs.store import JobStore, LostLeaseError
from backstay.jobs.submit import Submitter
from backstay.settings import Environment


class NotPossibleError(BackstayError):
    """The job's state does not allow it; the text says what does."""


class Control:
    """Cancel and retry."""

    def __init__(self, env: Environment, catalog: Catalog, retention: Retention, clock: Clock = utc_now) -> None:
        self._store = JobStore(env.jobs_table)
        self._submitter = Submitter(env, catalog, clock)
        self._endings = Endings(env, self._submitter, retention, clock)

    def cancel(self, record: JobRecord) -> JobRecord:
        """Call a job off: at once while it waits, at its next safe point while it is active.

        Raises:
            NotPossibleError: the job is over.
        """
        for _ in range(3):
            if record.state is State.CANCELLED:
                return record
            if record.state.is_terminal:
                raise NotPossibleError(
                    f"job {record.id} is {record.state}; only a job that isn't over can be cancelled"
                )
            try:
                return self._cancel(record)
            except LostLeaseError:
                record = self._store.get(record.id) or record
        raise NotPossibleError(f"job {record.id} keeps changing; try again")

    def retry(self, record: JobRecord) -> JobRecord:
        """Run a failed job anew, under its key and with its counters reset.

        Raises:
            NotPossibleError: the job has not failed, or somebody else is retrying it.
            StepJobError: it was a saga's step.
            MissingPayloadError: its input is past its retention; the job stays failed.
        """
        if record.state is not State.FAILED:
            raise NotPossibleError(f"job {record.id} is {record.state}; only a failed job can be retried")
        try:
            return self._submitter.revive(record)
        except LostLeaseError as error:
            raise NotPossibleError(f"job {record.id} was retried by somebody else meanwhile") from error

    def _cancel(self, record: JobRecord) -> JobRecord:
        if record.state is State.ACTIVE:
            asked = record.cancel_asked()
            self._store.save(record, asked)
            return asked
        return self._endings.cancel(record)
