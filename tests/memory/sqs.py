"""SQS: standard queues. Time is that of `time.time`, so that whoever turns the clock turns this one."""

import json
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tests.memory.refusals import exceptions_of, refusal

_MOST_BYTES = 1_048_576
_LONGEST_DELAY_S, _LONGEST_VISIBILITY_S = 900, 43_200
_MOST_DELIVERIES = 1000
_NOT_IN_XML = frozenset(chr(code) for code in range(32)) - set("\t\n\r") | {"\ufffe", "\uffff"}
_LOOK_EVERY_S = 0.05
ARN = "arn:aws:sqs:us-east-1:123456789012:"
URL = "https://sqs.us-east-1.amazonaws.com/123456789012/"


@dataclass(slots=True)
class Message:
    """One in a queue."""

    id: str
    body: str
    attributes: Mapping[str, Mapping[str, str]]
    group: str | None
    sent_at: float
    visible_at: float
    is_delayed: bool = False
    receives: int = 0
    receipt: str = ""
    received_at: float = 0
    source: str = ""
    """The queue that gave it up."""


@dataclass(slots=True)
class Queue:
    """One queue."""

    name: str
    visibility_s: float
    dead_arn: str | None
    most_receives: int
    messages: list[Message] = field(default_factory=list)


class SQS:
    """Stands in for the client.

    Args:
        luck: where messages come in another order than they were sent, who decides.
        repeats: whether a message that is received stays visible, as a standard queue may let it.
    """

    def __init__(self, luck: random.Random | None = None, repeats: Callable[[], bool] = lambda: False) -> None:
        self.queues: dict[str, Queue] = {}
        self._luck, self._repeats = luck, repeats

    @property
    def exceptions(self) -> Any:
        return exceptions_of("sqs")

    def create_queue(self, *, QueueName: str, Attributes: Mapping[str, str] | None = None) -> dict[str, str]:
        given = Attributes or {}
        policy = json.loads(given.get("RedrivePolicy", "{}"))
        most = int(policy.get("maxReceiveCount", 0))
        if most > _MOST_DELIVERIES:
            raise refusal("sqs", "CreateQueue", "InvalidAttributeValue")
        visibility_s = float(given.get("VisibilityTimeout", 30))
        self.queues[QueueName] = Queue(QueueName, visibility_s, policy.get("deadLetterTargetArn"), most)
        return {"QueueUrl": URL + QueueName}

    def send_message(
        self,
        *,
        QueueUrl: str,
        MessageBody: str,
        DelaySeconds: float = 0,
        MessageAttributes: Mapping[str, Mapping[str, str]] | None = None,
        MessageGroupId: str | None = None,
        MessageSystemAttributes: Mapping[str, Mapping[str, str]] | None = None,
    ) -> dict[str, str]:
        queue, attributes = self._queue(QueueUrl, "SendMessage"), MessageAttributes or {}
        size = len(MessageBody.encode("utf-8", "surrogatepass")) + sum(
            len(name) + len(value["DataType"]) + len(value["StringValue"].encode())
            for name, value in attributes.items()
        )
        if size > _MOST_BYTES or not 0 <= DelaySeconds <= _LONGEST_DELAY_S:
            raise refusal("sqs", "SendMessage", "InvalidParameterValue")
        if not _NOT_IN_XML.isdisjoint(MessageBody):
            raise refusal("sqs", "SendMessage", "InvalidMessageContents")
        now, an_id = time.time(), str(uuid.uuid4())
        made = Message(an_id, MessageBody, attributes, MessageGroupId, now, now + DelaySeconds, DelaySeconds > 0)
        queue.messages.append(made)
        return {"MessageId": an_id}

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int = 1,
        WaitTimeSeconds: float = 0,
        VisibilityTimeout: float | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        queue, until = self._queue(QueueUrl, "ReceiveMessage"), time.time() + WaitTimeSeconds
        while not (visible := self._visible(queue)) and time.time() < until:
            time.sleep(_LOOK_EVERY_S)
        if self._luck:
            self._luck.shuffle(visible)
        visibility_s = queue.visibility_s if VisibilityTimeout is None else VisibilityTimeout
        return {"Messages": [self._receive(one, visibility_s) for one in visible[:MaxNumberOfMessages]]}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> dict[str, Any]:
        queue = self._queue(QueueUrl, "DeleteMessage")
        queue.messages = [one for one in queue.messages if one.receipt != ReceiptHandle]
        return {}

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        for entry in Entries:
            self.delete_message(QueueUrl=QueueUrl, ReceiptHandle=entry["ReceiptHandle"])
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries], "Failed": []}

    def change_message_visibility(
        self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: float
    ) -> dict[str, Any]:
        operation, now = "ChangeMessageVisibility", time.time()
        queue = self._queue(QueueUrl, operation)
        held = next((one for one in queue.messages if one.receipt == ReceiptHandle), None)
        if held is None:
            raise refusal("sqs", operation, "ReceiptHandleIsInvalid")
        if now + VisibilityTimeout > held.received_at + _LONGEST_VISIBILITY_S:
            raise refusal("sqs", operation, "InvalidParameterValue")
        if held.visible_at > now or VisibilityTimeout:
            held.visible_at = now + VisibilityTimeout
        return {}

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        failed = []
        for entry in Entries:
            try:
                self.change_message_visibility(
                    QueueUrl=QueueUrl,
                    ReceiptHandle=entry["ReceiptHandle"],
                    VisibilityTimeout=entry["VisibilityTimeout"],
                )
            except ClientError as error:
                failed.append({"Id": entry["Id"], "Code": error.response["Error"]["Code"]})
        return {"Successful": [], "Failed": failed}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str]) -> dict[str, Any]:
        queue, now = self._queue(QueueUrl, "GetQueueAttributes"), time.time()
        hidden = [one for one in queue.messages if one.visible_at > now]
        delayed = sum(one.is_delayed and not one.receives for one in hidden)
        known = {
            "QueueArn": ARN + queue.name,
            "ApproximateNumberOfMessages": str(len(queue.messages) - len(hidden)),
            "ApproximateNumberOfMessagesNotVisible": str(len(hidden) - delayed),
            "ApproximateNumberOfMessagesDelayed": str(delayed),
        }
        return {"Attributes": {name: known[name] for name in AttributeNames}}

    def __getattr__(self, operation: str) -> Any:
        raise NotImplementedError(operation)

    def _visible(self, queue: Queue) -> list[Message]:
        """Those that may be received; what was received too often moves away instead."""
        now = time.time()
        for one in [one for one in queue.messages if one.visible_at <= now]:
            if queue.dead_arn and one.receives >= queue.most_receives:
                queue.messages.remove(one)
                one.source, one.receipt = ARN + queue.name, ""
                self.queues[queue.dead_arn.removeprefix(ARN)].messages.append(one)
        return [one for one in queue.messages if one.visible_at <= now]

    def _receive(self, message: Message, visibility_s: float) -> dict[str, Any]:
        now = time.time()
        message.receives += 1
        message.receipt, message.received_at = str(uuid.uuid4()), now
        if not self._repeats():
            message.visible_at = now + visibility_s
        attributes = {
            "SentTimestamp": str(int(message.sent_at * 1000)),
            "ApproximateReceiveCount": str(message.receives),
            "MessageGroupId": message.group,
            "DeadLetterQueueSourceArn": message.source,
        }
        return {
            "MessageId": message.id,
            "ReceiptHandle": message.receipt,
            "Body": message.body,
            "Attributes": {name: value for name, value in attributes.items() if value},
            "MessageAttributes": {name: dict(value) for name, value in message.attributes.items()},
        }

    def _queue(self, url: str, operation: str) -> Queue:
        name = url.rsplit("/", 1)[-1]
        if name not in self.queues:
            raise refusal("sqs", operation, "AWS.SimpleQueueService.NonExistentQueue")
        return self.queues[name]
