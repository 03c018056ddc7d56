"""SQS: what moves to a dead letter queue by itself, and back by the console's redrive."""

import json

import pytest

from tests.contract.clouds import ACCEPTED, Cloud, Queue, eventually, outcome
from tests.contract.deviations import DEAD_LETTER_SOURCE, MOST_DELIVERIES, MOVE_TASKS

_ATTRIBUTES = {
    "job_id": {"DataType": "String", "StringValue": "acme.job"},
    "fence": {"DataType": "Number", "StringValue": "3"},
}
_SOURCE = "SQS developer guide, Dead-letter queues"


@pytest.fixture
def dead(cloud: Cloud) -> Queue:
    """A dead letter queue."""
    return cloud.queue()


@pytest.fixture
def queue(cloud: Cloud, dead: Queue) -> Queue:
    """A queue that gives a message up after two deliveries."""
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2})
    return cloud.queue(RedrivePolicy=policy, VisibilityTimeout="0")


def _give_up(queue: Queue) -> str:
    sent = queue.send('{"task":"obey"}', MessageAttributes=_ATTRIBUTES, MessageGroupId="acme")
    for _ in range(3):
        queue.receive()
    return sent


def test_a_message_is_delivered_as_often_as_the_policy_says_and_then_moved(cloud: Cloud, queue: Queue, dead: Queue):
    queue.send()
    seen = [len(queue.receive()) for _ in range(4)], queue.depths(), dead.depths()
    cloud.does(seen, aws=([1, 1, 0, 0], (0, 0, 0), (1, 0, 0)), source=_SOURCE + ": maxReceiveCount")


def test_a_moved_message_keeps_its_id_its_body_its_attributes_and_its_tenant(cloud: Cloud, queue: Queue, dead: Queue):
    sent = _give_up(queue)
    (message,) = dead.receive()
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    seen = message["MessageId"] == sent, message["Body"], attributes, message["Attributes"].get("MessageGroupId")
    expected = True, '{"task":"obey"}', {"job_id": "acme.job", "fence": "3"}, "acme"
    cloud.does(seen, aws=expected, source=_SOURCE + ": the message is moved")


def test_a_moved_message_names_the_queue_that_gave_it_up(cloud: Cloud, queue: Queue, dead: Queue):
    _give_up(queue)
    (message,) = dead.receive()
    seen = message["Attributes"].get("DeadLetterQueueSourceArn") == queue.arn
    source = "SQS API reference, ReceiveMessage: DeadLetterQueueSourceArn"
    cloud.does(seen, aws=True, source=source, but=DEAD_LETTER_SOURCE)


def test_the_consoles_redrive_brings_messages_back_as_new_ones_with_their_attributes(
    cloud: Cloud, queue: Queue, dead: Queue
):
    sent = _give_up(queue)
    answer = outcome(lambda: queue.sqs.start_message_move_task(SourceArn=dead.arn))
    (message,) = eventually(queue.receive, within_s=30 if answer == ACCEPTED else 0) or [{}]
    attributes = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
    seen = answer, message.get("Body"), attributes, message.get("MessageId") == sent
    expected = ACCEPTED, '{"task":"obey"}', {"job_id": "acme.job", "fence": "3"}, False
    cloud.does(seen, aws=expected, source="SQS developer guide, Dead-letter queue redrive", but=MOVE_TASKS)


@pytest.mark.parametrize(("count", "expected"), [(1000, ACCEPTED), (1001, "InvalidAttributeValue")])
def test_a_policy_allows_up_to_1000_deliveries(cloud: Cloud, dead: Queue, count: int, expected: str):
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": count})
    seen = outcome(lambda: cloud.queue(RedrivePolicy=policy))
    cloud.does(seen, aws=expected, source=_SOURCE + ": maxReceiveCount", but=MOST_DELIVERIES if count > 1000 else ())
