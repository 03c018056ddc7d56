"""The tasks' queues: sending, waiting, hiding and burying messages."""

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from backstay import aws
from backstay.clock import Clock, utc_now
from backstay.errors import Failure
from backstay.jobs.keys import tenant_of
from backstay.jobs.message import (
    DEAD_LETTER_FENCE,
    DEAD_LETTER_JOB,
    DEAD_LETTER_POISON,
    DEAD_LETTER_REASON,
    write,
)
from backstay.jobs.poison import Poison
from backstay.jobs.record import JobRecord
from backstay.settings import Environment
from backstay.task import Task
from backstay.tracing.context import TraceContext

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

LONGEST_DELAY_S = 900
"""SQS's longest delay of a message; beyond it the EventBridge Scheduler sends."""

LONGEST_VISIBILITY_S = 43_200 - 1_000
"""SQS's 12 hours, which it counts from the receipt, less as long as a worker may have had the message by then."""

DEAD_SUFFIX = "-dead"


class Queues:
    """Every queue of this stage."""

    def __init__(self, env: Environment, clock: Clock = utc_now) -> None:
        self._env, self._clock = env, clock

    def send(self, task: "Task[Any, Any]", record: JobRecord, body: str) -> None:
        """Send a job's message, at once or when the job is due."""
        queue = task.queue_name(record.priority)
        delay_s = max(0, _whole_seconds(record.due_at - self._clock())) if record.due_at else 0
        if record.due_at and delay_s > LONGEST_DELAY_S:
            self._schedule(queue, record, body, record.due_at)
            return
        send = partial(
            aws.sqs().send_message,
            QueueUrl=self._env.queue_url(queue),
            MessageBody=body,
            DelaySeconds=delay_s,
            MessageGroupId=record.tenant,  # on a standard queue: fairness among tenants, no order
        )
        if record.trace is None:
            send()
        else:  # lets X-Ray see the queue as part of the job's trace
            header = TraceContext.of_text(record.trace).xray_header
            send(MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": header}})

    def send_plain(self, task: "Task[Any, Any]", body: str, tenant: str) -> None:
        """Send a message that is no job yet, at once, to the queue for normal priority."""
        queue = self._env.queue_url(task.queue_name("normal"))
        aws.sqs().send_message(QueueUrl=queue, MessageBody=body, MessageGroupId=tenant)

    def unschedule(self, record: JobRecord) -> None:
        """Take back what the Scheduler would send when a delayed job is due; nothing happens when there is none."""
        scheduler = aws.scheduler()
        try:
            scheduler.delete_schedule(Name=_schedule_name(record), GroupName=self._env.schedule_group)
        except scheduler.exceptions.ResourceNotFoundException:
            return  # SQS holds its message, or it was sent already

    def hide(self, queue: str, receipt_handle: str, seconds: float) -> None:
        """Let a message come back after so long, 0 s to nearly 12 hours."""
        aws.sqs().change_message_visibility(
            QueueUrl=self._env.queue_url(queue),
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=max(0, min(LONGEST_VISIBILITY_S, _whole_seconds(timedelta(seconds=seconds)))),
        )

    def bury(self, record: JobRecord, failure: Failure) -> None:
        """Put a failed job's message into its task's dead letter queue, with reason, job and claim as attributes."""
        attributes: dict[str, MessageAttributeValueTypeDef] = {
            DEAD_LETTER_JOB: _text(record.id),
            DEAD_LETTER_FENCE: {"DataType": "Number", "StringValue": str(record.fence)},
        }
        self._bury(record.task, write(record, None), failure, record.id, attributes)

    def bury_poison(self, poison: Poison) -> None:
        """Put a message that is no job into its task's dead letter queue, as it came."""
        attributes = {DEAD_LETTER_POISON: _text(poison.id)}
        self._bury(poison.task, poison.body, poison.failure, poison.id, attributes)

    def _bury(
        self, task: str, body: str, failure: Failure, an_id: str, attributes: "dict[str, MessageAttributeValueTypeDef]"
    ) -> None:
        aws.sqs().send_message(
            QueueUrl=self._env.queue_url(task + DEAD_SUFFIX),
            MessageBody=body,
            MessageAttributes={"task": _text(task), DEAD_LETTER_REASON: _text(failure.error_class), **attributes},
            MessageGroupId=tenant_of(an_id),
        )

    def name_of(self, queue_arn: str) -> str:
        """A queue's name without stage, from the ARN that an event names."""
        return queue_arn.removeprefix(self._env.queue_arn_prefix)

    def _schedule(self, queue: str, record: JobRecord, body: str, due: datetime) -> None:
        scheduler = aws.scheduler()
        try:
            scheduler.create_schedule(
                Name=_schedule_name(record),
                GroupName=self._env.schedule_group,
                ScheduleExpression=f"at({due.strftime('%Y-%m-%dT%H:%M:%S')})",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._env.queue_arn(queue),
                    "RoleArn": self._env.schedule_role_arn,
                    "Input": body,
                },
            )
        except scheduler.exceptions.ConflictException:
            return  # the same wait of the same job is scheduled already


def _schedule_name(record: JobRecord) -> str:
    """One a wait. The Scheduler takes 64 characters, of which the last tell jobs apart."""
    return f"{record.id}-{record.generation}-{record.waits}"[-64:]


def _whole_seconds(span: timedelta) -> int:
    return -int(-span.total_seconds() // 1)


def _text(value: str) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String", "StringValue": value}
