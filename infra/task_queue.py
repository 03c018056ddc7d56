"""A task's queues: one, or one a priority, and the dead letter queue that they share."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from backstay.catalog import AnyTask
from infra.alarms import Alarms
from infra.encryption import Encryption
from infra.measures import dead_queue_of
from infra.queue_alarms import watch_dead_letters, watch_queue
from infra.stage import Stage

_LONGEST_RETENTION = Duration.days(14)
_DATA_KEY_REUSE = Duration.hours(24)  # SQS's longest; each data key is a paid call to KMS

_LARGEST_MESSAGE_BYTES = 1_048_576 - 4_096
"""A dead letter carries its message whole, and attributes beside it, which count towards SQS's 1 MiB."""

MAX_RECEIVES = 100
"""A backstop for messages that nobody can even refuse. Attempts are counted in the job (spec: jobs)."""


@dataclass(frozen=True, slots=True)
class TaskQueueProps:
    """What queues are made for."""

    stage: Stage
    encryption: Encryption
    alarms: Alarms
    task: AnyTask


class TaskQueue(Construct):
    """One task's queues."""

    def __init__(self, scope: Construct, id: str, props: TaskQueueProps) -> None:  # noqa: A002 - the field's word
        super().__init__(scope, id)
        task = props.task
        self.dead_letters = encrypted_queue(self, "Dead", dead_queue_of(task.name), props.stage, props.encryption)
        watch_dead_letters(props.alarms, task.name)
        self.queues = {name: self._queue(name, props) for name in task.queue_names()}

    def let_send(self, role: iam.Role) -> None:
        """Send jobs."""
        for queue in self.queues.values():
            queue.grant(role, "sqs:SendMessage")

    def let_count(self, role: iam.Role) -> None:
        """Ask how many messages wait, and how many lie in the dead letter queue."""
        for queue in (*self.queues.values(), self.dead_letters):
            queue.grant(role, "sqs:GetQueueAttributes")

    def let_bury(self, role: iam.Role) -> None:
        """Put messages into the dead letter queue."""
        self.dead_letters.grant(role, "sqs:SendMessage")

    def let_exhume(self, role: iam.Role) -> None:
        """Look through the dead letter queue, and take messages out of it."""
        self.dead_letters.grant(role, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")

    def _queue(self, name: str, props: TaskQueueProps) -> sqs.Queue:
        queue = encrypted_queue(
            self,
            name.removeprefix(props.task.name).strip("-").capitalize() or "Queue",
            name,
            props.stage,
            props.encryption,
            visibility_s=props.task.limits.lease_s,
            dead_letters=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=MAX_RECEIVES),
        )
        watch_queue(props.alarms, name)
        return queue


def encrypted_queue(
    scope: Construct,
    id: str,  # noqa: A002 - the field's word
    name: str,
    stage: Stage,
    encryption: Encryption,
    *,
    visibility_s: int | None = None,
    dead_letters: sqs.DeadLetterQueue | None = None,
    kept: Duration = _LONGEST_RETENTION,
) -> sqs.Queue:
    """A queue under the stage's key, reached over TLS only, that keeps messages as long as SQS can, or as is said."""
    return sqs.Queue(
        scope,
        id,
        queue_name=f"{stage.prefix}{name}",
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=encryption.key,
        data_key_reuse=_DATA_KEY_REUSE,
        enforce_ssl=True,
        retention_period=kept,
        visibility_timeout=Duration.seconds(visibility_s) if visibility_s else None,
        dead_letter_queue=dead_letters,
        max_message_size_bytes=_LARGEST_MESSAGE_BYTES if dead_letters else None,
        removal_policy=stage.removal,
    )
