"""What sagas do with the jobs of their steps beyond running them: note who waits, call one off, repeat one."""

from datetime import datetime

from backstay import aws
from backstay.clock import Clock, utc_now
from backstay.dynamodb import encode, encode_item
from backstay.jobs import keys
from backstay.jobs.inputs import Inputs
from backstay.jobs.items import STATE_PART
from backstay.jobs.lanes import Lanes
from backstay.jobs.message import StepMessage
from backstay.jobs.record import JobRecord, State
from backstay.jobs.step import Step, to_attribute
from backstay.jobs.store import JobStore
from backstay.settings import Environment

NO_INPUT = ""
"""The digest of a step's job that has no input yet: what it refers to could not be had, or it was called off first."""


class StepJobs:
    """Changes records of steps' jobs. Nothing here sends a message: the state machine does."""

    def __init__(self, env: Environment, clock: Clock = utc_now) -> None:
        self._store, self._inputs, self._lanes = JobStore(env.jobs_table), Inputs(env), Lanes(env.jobs_table)
        self._clock = clock

    def note(self, job_id: str, step: Step) -> None:
        """Note who waits for a job, unless somebody newer does."""
        dynamodb = aws.dynamodb()
        values = {":step": to_attribute(step), ":execution": step.execution, ":entered": step.entered_at}
        try:
            dynamodb.update_item(
                TableName=self._store.table,
                Key={"id": encode(job_id), "part": encode(STATE_PART)},
                UpdateExpression="SET #step = :step",
                ConditionExpression="attribute_exists(id) AND (attribute_not_exists(#step)"
                " OR #step.#execution < :execution"
                " OR (#step.#execution = :execution AND #step.entered_at < :entered))",
                ExpressionAttributeNames={"#step": "step", "#execution": "execution"},
                ExpressionAttributeValues=encode_item(values),
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return  # somebody newer waits, or the job went with its tenant

    def repeat(self, record: JobRecord) -> JobRecord:
        """Let a failed or cancelled job run anew, its counters reset, when its step's message comes once more.

        Raises:
            IllegalMoveError: the job has neither failed nor been cancelled.
            LostLeaseError: somebody else has changed it meanwhile.
            MissingPayloadError: its input is past its retention.
        """
        if record.input_digest != NO_INPUT:
            self._inputs.get(record.id)
            self._inputs.prolong(record.id, self._clock())
        number = self._lanes.take_number(record.lane) if record.lane else None
        repeated = record.repeated(self._clock(), number)
        self._store.save(record, repeated)
        return repeated


def bare_record(tenant: str, task: str, key: str, now: datetime, step: Step | None = None) -> JobRecord:
    """A step's job on record without an input."""
    return JobRecord(
        id=keys.job_id(tenant, task, key),
        task=task,
        state=State.WAITING,
        key=key,
        input_digest=NO_INPUT,
        created_at=now,
        changed_at=now,
        step=step,
    )


def bare_record_of(message: StepMessage, now: datetime) -> JobRecord:
    """The job of a step's message whose input is not known."""
    return bare_record(message.tenant, message.task, message.idempotency_key, now, message.step)
