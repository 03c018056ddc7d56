"""From the message of a saga's step to its job: who waits is noted, and the input is worked out, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from backstay.catalog import AnyTask
from backstay.clock import Clock
from backstay.errors import BackstayError, ErrorClass, Failure
from backstay.jobs import departures
from backstay.jobs.items import STATE_PART, from_item
from backstay.jobs.message import JobMessage, StepMessage
from backstay.jobs.record import JobRecord
from backstay.jobs.step_jobs import NO_INPUT, StepJobs, bare_record_of
from backstay.jobs.store import JobStore
from backstay.jobs.submit import InvalidInputError, KeyConflictError, Submission, Submitter
from backstay.jobs.task_tokens import TaskTokens
from backstay.settings import Environment


class UnresolvedError(BackstayError):
    """A step's input refers to what is not there; the text names it."""


class StepInputs(Protocol):
    """Works out inputs; `workflows.step_inputs` does."""

    def resolve(self, message: StepMessage, answered: Mapping[str, JobRecord]) -> Mapping[str, Any]:
        """The input that a message's mapping amounts to.

        Args:
            message: with the mapping.
            answered: the jobs that it refers to, by step, as far as they are on record.

        Raises:
            UnresolvedError: it refers to what is not there.
        """


class NoSagas:
    """For workers that no saga sends to."""

    def resolve(self, message: StepMessage, answered: Mapping[str, JobRecord]) -> Mapping[str, Any]:  # noqa: ARG002
        """Resolves nothing."""
        raise UnresolvedError(f"this worker serves no sagas, and got step {message.step.name!r} of one")


NO_SAGAS = NoSagas()


@dataclass(frozen=True, slots=True)
class Prepared:
    """The job that a message is about, on record."""

    message: JobMessage
    """What is sent when the job must wait."""
    work: Mapping[str, Any] | None = None
    """The input, where it is at hand."""
    unfit: Failure | None = None
    """Why the job can't be run and is to fail as soon as it is claimed."""


class StepAdmission:
    """Makes or finds the jobs of one task's steps."""

    def __init__(self, env: Environment, task: AnyTask, submitter: Submitter, inputs: StepInputs, clock: Clock) -> None:
        self._task, self._submitter, self._inputs, self._clock = task, submitter, inputs, clock
        self._store, self._step_jobs = JobStore(env.jobs_table), StepJobs(env, clock)
        self._tokens = TaskTokens(env)

    def prepare(self, message: StepMessage) -> Prepared | None:
        """See to it that the step's job is on record, has its input, and knows who waits for it.

        None where its tenant's data were deleted: nothing of it goes on record again, and its run is told so.
        """
        record, is_departed, answered = self._look(message)
        if record is None and is_departed:
            self._tokens.tell_failure(message.step, "cancelled", f"the data of tenant {message.tenant} were deleted")
            return None
        if record is None:
            return self._prepared(message, None, answered)
        if message.step.is_newer_than(record.step):
            self._step_jobs.note(record.id, message.step)
        if record.input_digest == NO_INPUT and not record.state.is_terminal:
            return self._prepared(message, record, answered)
        return Prepared(JobMessage(record.task, record.id, version=record.version))

    def _look(self, message: StepMessage) -> tuple[JobRecord | None, bool, Mapping[str, JobRecord]]:
        """Everything that is to be known beforehand, in one read: the job, whether its tenant's data were deleted, and
        the jobs that its input refers to."""
        referred_to, departed = message.jobs_referred_to, departures.key_of(message.tenant)
        wanted = [departed, *((job_id, STATE_PART) for job_id in (message.job_id, *referred_to.values()))]
        found = {item["id"]: item for item in self._store.get_items(wanted, consistently=True)}
        is_departed = found.pop(departed[0], None) is not None
        jobs = {job_id: from_item(item) for job_id, item in found.items()}
        answered = {step: jobs[job_id] for step, job_id in referred_to.items() if job_id in jobs}
        return jobs.get(message.job_id), is_departed, answered

    def _prepared(self, message: StepMessage, bare: JobRecord | None, answered: Mapping[str, JobRecord]) -> Prepared:
        try:
            work = self._inputs.resolve(message, answered)
            wanted = Submission(
                task=message.task,
                input=work,
                tenant=message.tenant,
                idempotency_key=message.idempotency_key,
                step=message.step,
            )
            record = self._submitter.supply(bare, wanted) if bare else self._submitter.register(wanted)
        except (UnresolvedError, InvalidInputError, KeyConflictError) as error:
            if bare is None:
                self._store.create(bare_record_of(message, self._clock()))
            failure = Failure(ErrorClass.INVALID_INPUT, str(error))
            return Prepared(JobMessage(message.task, message.job_id, version=self._task.version), unfit=failure)
        return Prepared(JobMessage(record.task, record.id, version=record.version), work)
