"""SQS: delays, visibility and receipts, with which jobs wait, back off and come back."""

import json
import time

import pytest

from tests.contract.clouds import ACCEPTED, Cloud, outcome
from tests.contract.deviations import (
    CHARACTERS,
    LONG_DELAYS,
    LONG_VISIBILITY,
    OLD_RECEIPTS,
    SIZE_OF_ATTRIBUTES,
    VISIBILITY_IN_ALL,
)

_SEND = "SQS API reference, SendMessage"
_VISIBILITY = "SQS API reference, ChangeMessageVisibility"


def test_one_message_of_a_tenant_is_delayed_on_a_standard_queue(cloud: Cloud):
    queue = cloud.queue()
    queue.send("later", DelaySeconds=2, MessageGroupId="acme")
    queue.send("now", DelaySeconds=0, MessageGroupId="acme")
    sent = time.monotonic()
    first, depths = [message["Body"] for message in queue.receive()], queue.depths()
    second = queue.receive_one()
    seen = first, depths, second["Body"], time.monotonic() - sent > 0.5
    cloud.does(seen, aws=(["now"], (0, 1, 1), "later", True), source=_SEND + ": DelaySeconds")


def test_a_message_tells_its_tenant_and_when_it_was_sent_and_how_often_received(cloud: Cloud):
    queue = cloud.queue()
    queue.send(MessageGroupId="acme")
    attributes = queue.receive_one()["Attributes"]
    fresh = abs(int(attributes["SentTimestamp"]) / 1000 - time.time()) < 60
    seen = attributes.get("MessageGroupId"), attributes["ApproximateReceiveCount"], fresh
    cloud.does(seen, aws=("acme", "1", True), source="SQS developer guide, Fair queues")


def test_messages_of_one_tenant_are_received_side_by_side(cloud: Cloud):
    queue = cloud.queue()
    for number in range(3):
        queue.send(str(number), MessageGroupId="acme")
    seen = sorted(message["Body"] for message in queue.receive())
    cloud.does(seen, aws=["0", "1", "2"], source="SQS developer guide, Fair queues")


@pytest.mark.parametrize(("delay_s", "expected"), [(900, ACCEPTED), (901, "InvalidParameterValue")])
def test_a_delay_ends_at_15_minutes(cloud: Cloud, delay_s: int, expected: str):
    queue = cloud.queue()
    seen = outcome(lambda: queue.send(DelaySeconds=delay_s))
    cloud.does(seen, aws=expected, source=_SEND + ": DelaySeconds", but=LONG_DELAYS if delay_s > 900 else ())


def test_visibility_zero_brings_a_message_back_at_once(cloud: Cloud):
    queue = cloud.queue()
    queue.send()
    message = queue.receive_one()
    queue.hide(message["ReceiptHandle"], 0)
    again = queue.receive_one(wait_s=1)
    seen = again["MessageId"] == message["MessageId"], again["Attributes"]["ApproximateReceiveCount"]
    cloud.does(seen, aws=(True, "2"), source=_VISIBILITY)


def test_backoff_of_one_message_leaves_its_neighbour_alone(cloud: Cloud):
    queue = cloud.queue(VisibilityTimeout="60")
    queue.send("backs off")
    queue.send("stays hidden")
    for message in queue.receive():
        if message["Body"] == "backs off":
            queue.hide(message["ReceiptHandle"], 2)
    at_once, after = queue.receive(), queue.receive(wait_s=5)
    seen = [m["Body"] for m in at_once], [m["Body"] for m in after], queue.depths()
    cloud.does(seen, aws=([], ["backs off"], (0, 2, 0)), source=_VISIBILITY)


def test_a_message_that_is_neither_deleted_nor_hidden_comes_back_after_its_visibility(cloud: Cloud):
    queue = cloud.queue(VisibilityTimeout="2")
    queue.send()
    first = queue.receive_one()
    at_once, again = queue.receive(), queue.receive_one()
    seen = at_once, again["MessageId"] == first["MessageId"]
    cloud.does(seen, aws=([], True), source="SQS developer guide, Visibility timeout")


def test_a_visibility_beyond_12_hours_is_refused(cloud: Cloud):
    queue = cloud.queue()
    queue.send()
    receipt = queue.receive_one()["ReceiptHandle"]
    seen = outcome(lambda: queue.hide(receipt, 43_201))
    cloud.does(seen, aws="InvalidParameterValue", source=_VISIBILITY, but=LONG_VISIBILITY)


def test_twelve_hours_count_from_when_the_message_was_received(cloud: Cloud):
    queue = cloud.queue()
    queue.send()
    receipt = queue.receive_one()["ReceiptHandle"]
    time.sleep(1.1)
    seen = outcome(lambda: queue.hide(receipt, 43_200))
    source = _VISIBILITY + ": beyond 12 hours in all it is rejected"
    cloud.does(seen, aws="InvalidParameterValue", source=source, but=VISIBILITY_IN_ALL)


def test_deleting_with_the_receipt_of_an_earlier_delivery_is_accepted_and_deletes_nothing(cloud: Cloud):
    queue = cloud.queue(VisibilityTimeout="0")
    queue.send()
    old = queue.receive_one()["ReceiptHandle"]
    queue.receive_one(VisibilityTimeout=30)
    seen = outcome(lambda: queue.delete(old)), queue.depths()
    cloud.does(seen, aws=(ACCEPTED, (0, 1, 0)), source="SQS API reference, DeleteMessage", but=OLD_RECEIPTS)


def test_hiding_with_the_receipt_of_an_earlier_delivery_is_not_promised_to_work(cloud: Cloud):
    """AWS says that it "might result in an error", so that neither answer may harm a job."""
    queue = cloud.queue(VisibilityTimeout="0")
    queue.send()
    old = queue.receive_one()["ReceiptHandle"]
    queue.receive_one(VisibilityTimeout=30)
    seen = outcome(lambda: queue.hide(old, 0))
    assert seen in (ACCEPTED, "ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidParameterValue")


def test_a_message_is_deleted_with_the_latest_receipt_even_after_its_visibility_ended(cloud: Cloud):
    queue = cloud.queue(VisibilityTimeout="0")
    queue.send()
    receipt = queue.receive_one()["ReceiptHandle"]
    seen = outcome(lambda: queue.delete(receipt)), queue.depths()
    cloud.does(seen, aws=(ACCEPTED, (0, 0, 0)), source="SQS API reference, DeleteMessage")


@pytest.mark.parametrize(("size", "expected"), [(1_048_576, ACCEPTED), (1_048_577, "InvalidParameterValue")])
def test_a_message_ends_at_one_mebibyte(cloud: Cloud, size: int, expected: str):
    queue = cloud.queue()
    seen = outcome(lambda: queue.send("x" * size))
    cloud.does(seen, aws=expected, source="SQS developer guide, Message quotas")


def test_the_attributes_count_towards_the_size_of_a_message(cloud: Cloud):
    queue = cloud.queue()
    attributes = {"reason": {"DataType": "String", "StringValue": "x" * 100}}
    seen = outcome(lambda: queue.send("x" * 1_048_576, MessageAttributes=attributes))
    source = "SQS developer guide, Message quotas"
    cloud.does(seen, aws="InvalidParameterValue", source=source, but=SIZE_OF_ATTRIBUTES)


@pytest.mark.parametrize("character", ["\uffff", "\ufffe", "\x00", "\x1b"])
def test_characters_that_xml_has_no_place_for_are_refused(cloud: Cloud, character: str):
    queue = cloud.queue()
    seen = outcome(lambda: queue.send(json.dumps({"input": character}, ensure_ascii=False) + character))
    cloud.does(seen, aws="InvalidMessageContents", source=_SEND + ": MessageBody", but=CHARACTERS)


def test_every_text_goes_through_as_ascii_json(cloud: Cloud):
    queue = cloud.queue()
    text = "\x00\x1b\x7f\ud800\ufffe\uffff\U0001f600 déjà vu"
    queue.send(json.dumps(text))
    cloud.does(json.loads(queue.receive_one()["Body"]), aws=text, source=_SEND + ": MessageBody")


def test_a_queue_counts_what_is_visible_in_flight_and_delayed(cloud: Cloud):
    queue = cloud.queue()
    for number in range(4):
        queue.send(str(number), DelaySeconds=60 if number == 3 else 0)
    queue.sqs.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=1)
    cloud.does(queue.depths(), aws=(2, 1, 1), source="SQS API reference, GetQueueAttributes")


def test_an_unknown_queue_is_named_as_such(cloud: Cloud):
    queue = cloud.queue()
    seen = outcome(lambda: queue.sqs.send_message(QueueUrl=queue.url + "-none", MessageBody="x"))
    cloud.does(seen, aws="AWS.SimpleQueueService.NonExistentQueue", source="SQS API reference, Common errors")
