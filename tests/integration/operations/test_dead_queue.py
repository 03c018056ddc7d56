"""Dead letter queues, and the sweep that keeps them true."""

import json
import time

import pytest

from backstay import aws
from backstay.jobs.record import State
from tests.integration.operations.conftest import Broker


@pytest.fixture
def failed(machine):
    """A job that failed for good, with its dead letter."""
    record = machine.submit("obey", {"reject": True})
    machine.deliver("obey")
    return machine.record(record.id)


def test_the_letter_of_a_failed_job_stays_and_is_visible_again_at_once(machine, broker, sweep, failed):
    assert sweep().done == {}
    (letter,) = broker.letters("obey-dead")
    assert letter["visible"]
    assert (letter["job_id"], letter["reason"], letter["task"]) == (failed.id, "rejected", "obey")


def test_the_letter_of_a_job_that_was_retried_goes(machine, broker, sweep, failed):
    machine.submitter.revive(failed)
    assert sweep().done == {"obey": {"removed": 1}}
    assert broker.letters("obey-dead") == []


def test_the_letter_of_an_earlier_failure_goes_and_the_last_one_stays(machine, broker, sweep, failed):
    machine.submitter.revive(failed)
    machine.deliver("obey")
    assert len(broker.letters("obey-dead")) == 2
    assert sweep().done == {"obey": {"removed": 1}}
    (letter,) = broker.letters("obey-dead")
    assert letter["fence"] == str(machine.record(failed.id).fence)


def test_of_two_letters_of_one_failure_one_stays(machine, broker, sweep, failed):
    from backstay.jobs.queues import Queues

    Queues(machine.env, machine.clock).bury(failed, failed.error)
    assert sweep().done == {"obey": {"removed": 1}}
    assert len(broker.letters("obey-dead")) == 1


def test_a_letter_that_sqs_gives_out_twice_to_one_sweep_stays(machine, broker, sweep, failed, monkeypatch):
    sqs = aws.sqs()
    receive = sqs.receive_message
    sweeps_twice = iter((True, False))

    def receive_and_show_again(**request):
        answer = receive(**request)
        if request["QueueUrl"].endswith("obey-dead") and next(sweeps_twice, False):
            machine.make_visible("obey-dead")
        return answer

    monkeypatch.setattr(sqs, "receive_message", receive_and_show_again)
    assert sweep().done == {}
    assert [letter["job_id"] for letter in broker.letters("obey-dead")] == [failed.id]


def test_the_letter_of_a_job_whose_record_is_gone_goes(machine, broker, sweep, failed):
    aws.dynamodb().delete_item(TableName=machine.env.jobs_table, Key={"id": {"S": failed.id}, "part": {"S": "state"}})
    assert sweep().done == {"obey": {"removed": 1}}


def test_a_job_that_sqs_gave_up_on_fails_as_crashed_and_its_letter_says_so(machine, broker, sweep):
    record = machine.submit("obey", {})
    broker.move_to_dead("obey", "obey-dead")
    assert sweep().done == {"obey": {"recorded": 1}}
    failed = machine.record(record.id)
    assert failed.state is State.FAILED
    assert failed.error.error_class == "crashed"
    assert "SQS gave up" in failed.error.message
    (letter,) = broker.letters("obey-dead")
    assert (letter["job_id"], letter["reason"], letter["fence"]) == (record.id, "crashed", str(failed.fence))
    assert sweep().done == {}, "the next sweep finds everything in order"


def test_a_job_that_sqs_gave_up_on_can_be_retried(machine, broker, sweep):
    record = machine.submit("obey", {})
    broker.move_to_dead("obey", "obey-dead")
    sweep()
    machine.submitter.revive(machine.record(record.id))
    machine.deliver("obey")
    assert machine.record(record.id).state is State.COMPLETED
    sweep()
    assert broker.letters("obey-dead") == []


def test_a_plain_message_that_sqs_gave_up_on_becomes_a_failed_job(machine, broker, sweep):
    machine.send_raw("obey", {"task": "obey", "input": {"text": "raw"}, "idempotency_key": "raw-1", "tenant": "acme"})
    broker.move_to_dead("obey", "obey-dead")
    assert sweep().done == {"obey": {"recorded": 1}}
    (letter,) = broker.letters("obey-dead")
    assert machine.record(letter["job_id"]).state is State.FAILED
    assert machine.record(letter["job_id"]).tenant == "acme"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("no json at all", "not_a_job"),
        ({"task": "something-else", "input": {}}, "not_a_job"),
        ({"task": "obey", "input": {"no such field": 1}}, "invalid_input"),
        ({"task": "obey", "job_id": "acme." + "a" * 24}, "not_a_job"),
    ],
)
def test_a_message_that_is_no_job_and_that_sqs_moved_is_put_on_record(machine, broker, sweep, body, reason):
    machine.send_raw("obey", body)
    broker.move_to_dead("obey", "obey-dead")
    assert sweep().done == {"obey": {"poison_recorded": 1}}
    (letter,) = broker.letters("obey-dead")
    assert letter["reason"] == reason
    assert letter["body"] == (body if isinstance(body, str) else json.dumps(body))
    assert sweep().done == {}


def test_the_letter_of_a_completed_job_goes(machine, broker, sweep):
    record = machine.submit("obey", {})
    machine.submitter.resend(record.id)
    machine.deliver("obey", most=1)
    assert machine.record(record.id).state is State.COMPLETED
    broker.move_to_dead("obey", "obey-dead")
    assert sweep().done == {"obey": {"removed": 1}}
    assert broker.letters("obey-dead") == []


def test_a_job_that_runs_with_another_message_is_not_failed_by_its_dead_one(machine, broker, sweep):
    from datetime import timedelta

    record = machine.submit("obey", {})
    machine.store.claim(record.id, "obey", machine.clock(), timedelta(seconds=50), 1)
    broker.move_to_dead("obey", "obey-dead")
    assert sweep().done == {"obey": {"removed": 1}}
    assert machine.record(record.id).state is State.ACTIVE


def test_a_poison_message_redriven_by_sqs_leaves_its_old_record_behind(machine, broker, sweep):
    machine.send_raw("obey", "poison")
    machine.deliver("obey")
    broker.move_to_dead("obey-dead", "obey")
    machine.deliver("obey")
    assert sweep().done == {}
    (letter,) = broker.letters("obey-dead")
    assert [item["id"]["S"] for item in _poison_items(machine)] == [letter["poison_id"]]


def _poison_items(machine):
    return [
        item for item in aws.dynamodb().scan(TableName=machine.env.jobs_table)["Items"] if item["part"]["S"] == "poison"
    ]


def test_a_failed_jobs_letter_redriven_by_sqs_runs_it_again(machine, broker: Broker):
    broken = time.time() + 4
    record = machine.submit("obey", {"fail_until": broken})
    for _ in range(3):
        machine.make_visible("obey")
        machine.deliver("obey")
    assert machine.record(record.id).state is State.FAILED
    time.sleep(max(0, broken - time.time()))
    broker.move_to_dead("obey-dead", "obey")
    machine.deliver("obey")
    machine.deliver("obey")
    assert machine.record(record.id).state is State.COMPLETED
