"""SQS → Lambda on the emulator: how batches come, go back, wait while a task is paused, and survive a timeout."""

import time
from pathlib import Path

from tests.contract.clouds import ACCEPTED, Cloud, eventually, outcome
from tests.contract.deviations import BATCH_WINDOW, PAUSING_AT_ONCE, SECOND_MAPPINGS, SHORT_VISIBILITY
from tests.contract.lambdas import Function

_GUIDE = "Lambda developer guide, Using Lambda with Amazon SQS"
_REPORT = {"FunctionResponseTypes": ["ReportBatchItemFailures"], "BatchSize": 10}
_KEEP_BAD = """return {"batchItemFailures": [
    {"itemIdentifier": r["messageId"]} for r in event["Records"] if r["body"] == "bad"]}"""


def test_a_record_has_the_shape_that_the_worker_reads(emulator: Cloud, tmp_path: Path):
    queue, function = emulator.queue(), Function.make(emulator, tmp_path)
    attributes = {"fence": {"DataType": "Number", "StringValue": "3"}}
    sent = queue.send("body", MessageAttributes=attributes, MessageGroupId="acme")
    function.follow(queue.arn, **_REPORT)
    ((record,),) = function.wait_for(1)
    seen = (
        record["messageId"] == sent,
        record["body"],
        record["eventSourceARN"] == queue.arn,
        record["eventSource"],
        bool(record["receiptHandle"]),
        record["attributes"]["ApproximateReceiveCount"],
        record["attributes"].get("MessageGroupId"),
        {key: record["messageAttributes"]["fence"][key] for key in ("stringValue", "dataType")},
    )
    expected = True, "body", True, "aws:sqs", True, "1", "acme", {"stringValue": "3", "dataType": "Number"}
    emulator.does(seen, aws=expected, source=_GUIDE + ": standard queue message event")


def test_only_what_the_function_reports_stays_in_the_queue(emulator: Cloud, tmp_path: Path):
    queue, function = emulator.queue(VisibilityTimeout="60"), Function.make(emulator, tmp_path, _KEEP_BAD)
    for body in ("good", "bad", "good"):
        queue.send(body)
    function.follow(queue.arn, **_REPORT)
    function.wait_for_records(3)
    seen = eventually(lambda: queue.depths() == (0, 1, 0))
    emulator.does(seen, aws=True, source=_GUIDE + ": partial batch responses")


def test_a_message_hidden_by_its_worker_comes_back_when_the_worker_said(emulator: Cloud, tmp_path: Path):
    """Backoff: the worker changes the visibility through the queue's API while the function runs."""
    queue = emulator.queue(VisibilityTimeout="60")
    hide = """
import urllib.request
if len(open(os.environ["NOTES"]).readlines()) == 1:
    receipt = event["Records"][0]["receiptHandle"]
    body = json.dumps({"QueueUrl": "URL", "ReceiptHandle": receipt, "VisibilityTimeout": 1})
    headers = {"X-Amz-Target": "AmazonSQS.ChangeMessageVisibility", "Content-Type": "application/x-amz-json-1.0"}
    urllib.request.urlopen(urllib.request.Request("ENDPOINT", body.encode(), headers)).read()
    return {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
""".replace("URL", queue.url).replace("ENDPOINT", str(emulator.endpoint_url))
    function = Function.make(emulator, tmp_path, hide)
    queue.send()
    function.follow(queue.arn, **_REPORT)
    function.wait_for(2)
    first, second = function.times()
    emulator.does(0.8 < second - first < 30, aws=True, source=_GUIDE + ": visibility timeout")


def test_messages_of_a_function_that_raises_all_come_back(emulator: Cloud, tmp_path: Path):
    queue = emulator.queue(VisibilityTimeout="2")
    function = Function.make(emulator, tmp_path, 'raise RuntimeError("told to")', timeout_s=2)
    queue.send("one")
    queue.send("two")
    function.follow(queue.arn, **_REPORT)
    function.wait_for_records(3)
    bodies = {record["body"] for batch in function.batches() for record in batch}
    seen = bodies, sum(queue.depths())
    emulator.does(seen, aws=({"one", "two"}, 2), source=_GUIDE + ": error handling")


def test_a_function_over_its_timeout_is_killed_and_its_message_comes_back_after_the_visibility(
    emulator: Cloud, tmp_path: Path
):
    queue = emulator.queue(VisibilityTimeout="2")
    slow = 'if len(open(os.environ["NOTES"]).readlines()) == 1:\n    time.sleep(60)'
    function = Function.make(emulator, tmp_path, slow, timeout_s=1)
    queue.send()
    function.follow(queue.arn, **_REPORT)
    batches = function.wait_for(2)
    first, second = function.times()
    counts = [batch[0]["attributes"]["ApproximateReceiveCount"] for batch in batches]
    seen = counts, second - first > 1.8, eventually(lambda: queue.depths() == (0, 0, 0))
    emulator.does(seen, aws=(["1", "2"], True, True), source=_GUIDE + ": error handling")


def test_a_paused_source_delivers_nothing_and_a_resumed_one_all_that_waited(emulator: Cloud, tmp_path: Path):
    queue, function = emulator.queue(), Function.make(emulator, tmp_path)
    mapping = function.follow(queue.arn, **_REPORT)
    awslambda = emulator.client("lambda")
    awslambda.update_event_source_mapping(UUID=mapping, Enabled=False)
    for number in range(3):
        queue.send(str(number))
    time.sleep(1.2)
    paused = function.batches(), queue.depths()
    awslambda.update_event_source_mapping(UUID=mapping, Enabled=True)
    bodies = sorted(record["body"] for batch in function.wait_for_records(3) for record in batch)
    expected = ([], (3, 0, 0)), ["0", "1", "2"]
    emulator.does((paused, bodies), aws=expected, source="Lambda API reference, UpdateEventSourceMapping: Enabled")


def test_pausing_takes_a_while(emulator: Cloud, tmp_path: Path):
    queue, function = emulator.queue(), Function.make(emulator, tmp_path)
    mapping = function.follow(queue.arn, **_REPORT)
    answer = emulator.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
    source = "Lambda API reference, EventSourceMappingConfiguration: State"
    emulator.does(answer["State"], aws="Disabling", source=source, but=PAUSING_AT_ONCE)


def test_a_source_runs_no_more_batches_at_once_than_its_maximum_concurrency(emulator: Cloud, tmp_path: Path):
    queue = emulator.queue(VisibilityTimeout="30")
    function = Function.make(emulator, tmp_path, 'time.sleep(0.6)\nnote({"at": time.time(), "records": []})')
    for number in range(6):
        queue.send(str(number))
    function.follow(queue.arn, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    function.wait_for(12)
    running = most = 0
    for batch in function.batches():
        running += 1 if batch else -1
        most = max(most, running)
    emulator.does((most, running), aws=(2, 0), source=_GUIDE + ": maximum concurrency")


def test_a_source_gathers_a_batch_for_the_length_of_its_window(emulator: Cloud, tmp_path: Path):
    queue, function = emulator.queue(), Function.make(emulator, tmp_path)
    function.follow(queue.arn, MaximumBatchingWindowInSeconds=2, **_REPORT)
    sent = time.time()
    queue.send()
    function.wait_for(1)
    waited = function.times()[0] - sent > 1.5
    emulator.does(waited, aws=True, source=_GUIDE + ": batching behavior", but=BATCH_WINDOW)


def test_a_batch_has_at_most_as_many_messages_as_its_size(emulator: Cloud, tmp_path: Path):
    queue, function = emulator.queue(), Function.make(emulator, tmp_path)
    for number in range(7):
        queue.send(str(number))
    function.follow(queue.arn, BatchSize=3)
    batches = function.wait_for_records(7)
    seen = max(map(len, batches)) <= 3, sum(map(len, batches))
    emulator.does(seen, aws=(True, 7), source=_GUIDE + ": batch size")


def test_a_queue_whose_visibility_is_shorter_than_the_functions_timeout_is_refused(emulator: Cloud, tmp_path: Path):
    queue, function = emulator.queue(VisibilityTimeout="3"), Function.make(emulator, tmp_path, timeout_s=10)
    seen = outcome(lambda: function.follow(queue.arn))
    source = _GUIDE + ": visibility timeout"
    emulator.does(seen, aws="InvalidParameterValueException", source=source, but=SHORT_VISIBILITY)


def test_a_second_mapping_of_one_queue_to_one_function_is_a_conflict(emulator: Cloud, tmp_path: Path):
    queue, function = emulator.queue(), Function.make(emulator, tmp_path)
    seen = [outcome(lambda: function.follow(queue.arn)) for _ in range(2)]
    source = "Lambda API reference, CreateEventSourceMapping: ResourceConflictException"
    emulator.does(seen, aws=[ACCEPTED, "ResourceConflictException"], source=source, but=SECOND_MAPPINGS)


def test_mappings_are_found_by_their_function(emulator: Cloud, tmp_path: Path):
    queue, function = emulator.queue(), Function.make(emulator, tmp_path)
    mapping = function.follow(queue.arn)
    found = emulator.client("lambda").list_event_source_mappings(FunctionName=function.name)["EventSourceMappings"]
    seen = [(entry["UUID"], entry["EventSourceArn"]) for entry in found]
    emulator.does(seen, aws=[(mapping, queue.arn)], source="Lambda API reference, ListEventSourceMappings")
