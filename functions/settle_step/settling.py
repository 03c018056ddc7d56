"""Settles a step: its job is brought to an end, and what that end means is said."""

import os
from pathlib import Path

from backstay import config
from backstay.catalog import Catalog
from backstay.clock import Clock, utc_now
from backstay.errors import GoesOn, Rejected
from backstay.jobs.endings import Endings, Retention
from backstay.jobs.keys import tenant_of
from backstay.jobs.record import JobRecord, State
from backstay.jobs.step import Direction, job_of_step, key_of
from backstay.jobs.step_jobs import bare_record
from backstay.jobs.store import JobStore, LostLeaseError
from backstay.jobs.submit import Submitter
from backstay.running import Job
from backstay.settings import Environment

from .task import Settlement, StepToSettle

_SOONEST_S, _LATEST_S = 1.0, 30.0
_TRIES = 5  # each finds the job changed under it


class Settler:
    """Does the work of the jobs of `settle-step`."""

    def __init__(self, env: Environment, catalog: Catalog, retention: Retention, clock: Clock = utc_now) -> None:
        self._store, self._clock, self._retention = JobStore(env.jobs_table), clock, retention
        self._endings = Endings(env, Submitter(env, catalog, clock), retention, clock)

    @classmethod
    def of_this_function(cls) -> "Settler":
        """With the environment and the tasks of the Lambda that this runs in."""
        retention = Retention.of_settings(config.load().jobs)
        return cls(Environment.read(), Catalog(Path(os.environ["LAMBDA_TASK_ROOT"])), retention)

    def settle(self, wanted: StepToSettle, job: Job) -> Settlement:
        """Call the step's job off, or look how it ended.

        Raises:
            GoesOn: a worker still has it.
            Rejected: the run is another tenant's.
        """
        if tenant_of(wanted.run_id) != job.tenant:
            raise Rejected(f"run {wanted.run_id} is none of tenant {job.tenant!r}")
        for _ in range(_TRIES):
            try:
                ended = self._end(wanted)
            except LostLeaseError:
                continue  # it went on meanwhile: looked at anew
            if ended:
                return settlement_of(ended)
            break
        waited_s = (self._clock() - job.submitted_at).total_seconds()
        raise GoesOn("a worker still has the step's job", after_s=min(_LATEST_S, max(_SOONEST_S, waited_s / 3)))

    def _end(self, wanted: StepToSettle) -> JobRecord | None:
        """The step's job once it is over; None while a worker has it."""
        record = self._store.get(job_of_step(wanted.run_id, wanted.step, wanted.task))
        if record is None:
            return self._forestall(wanted)
        if record.state.is_terminal:
            return record
        if record.state is not State.ACTIVE or record.lease_lapsed(self._clock()):
            return self._endings.cancel(record)
        if not record.cancel_requested:
            self._store.save(record, record.cancel_asked())
        return None

    def _forestall(self, wanted: StepToSettle) -> JobRecord | None:
        """Put a job on record that is called off already: a message that comes late finds its step over.

        Raises:
            LostLeaseError: the message has come just now.
        """
        now = self._clock()
        key = key_of(wanted.run_id, wanted.step, Direction.DO)
        forestalled = bare_record(tenant_of(wanted.run_id), wanted.task, key, now).cancelled(now, self._retention.steps)
        if self._store.create(forestalled):
            raise LostLeaseError(f"job {forestalled.id} has come on record meanwhile")
        return forestalled


def settlement_of(record: JobRecord) -> Settlement:
    """What the end of a step's job means for its run."""
    if record.state is State.COMPLETED:
        return Settlement(undo=True, why="it completed after all")
    if record.uncertain:
        return Settlement(undo=True, why=f"it is {record.state}, and may have had its effect before")
    return Settlement(undo=False, why=f"it is {record.state}, and had no effect")
