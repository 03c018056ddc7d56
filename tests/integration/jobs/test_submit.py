"""Submitting against moto: idempotent, written first, then sent."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from backstay import aws
from backstay.catalog import UnknownTaskError
from backstay.jobs.record import State
from backstay.jobs.submit import InvalidInputError, KeyConflictError, Submission


def test_the_same_key_and_payload_is_the_same_job(machine):
    first = machine.submitter.submit(Submission("obey", {"text": "a"}, idempotency_key="k"))
    again = machine.submitter.submit(Submission("obey", {"text": "a"}, idempotency_key="k"))
    assert first.created
    assert not again.created
    assert again.record == first.record


def test_the_same_key_with_another_payload_is_refused(machine):
    first = machine.submit("obey", {"text": "a"}, idempotency_key="k")
    with pytest.raises(KeyConflictError, match=first.id):
        machine.submit("obey", {"text": "b"}, idempotency_key="k")
    machine.deliver("obey")
    assert '"a"' in machine.record(first.id).result.inline


def test_tenants_never_collide(machine):
    one = machine.submit("obey", {"text": "a"}, idempotency_key="k", tenant="one")
    two = machine.submit("obey", {"text": "b"}, idempotency_key="k", tenant="two")
    assert one.id != two.id


def test_a_hundred_submits_of_one_key_at_once_make_one_job(machine):
    def submit(_: int) -> bool:
        return machine.submitter.submit(Submission("obey", {"text": "a"}, idempotency_key="k")).created

    with ThreadPoolExecutor(20) as threads:
        created = list(threads.map(submit, range(100)))
    assert created.count(True) == 1


def test_a_resubmit_heals_a_submit_that_died_before_it_sent(machine):
    url = machine.env.queue_url("obey")
    record = machine.submit("obey", {"text": "a"}, idempotency_key="k")
    aws.sqs().purge_queue(QueueUrl=url)  # as if the message had never been sent

    machine.submit("obey", {"text": "a"}, idempotency_key="k")
    machine.deliver("obey")
    assert machine.record(record.id).state is State.COMPLETED


def test_a_submit_that_died_after_the_input_is_healed_by_the_next(machine):
    record = machine.submit("obey", {"text": "a"}, idempotency_key="k")
    aws.dynamodb().delete_item(TableName="jobs", Key={"id": {"S": record.id}, "part": {"S": "state"}})
    aws.sqs().purge_queue(QueueUrl=machine.env.queue_url("obey"))
    with pytest.raises(KeyConflictError):
        machine.submit("obey", {"text": "b"}, idempotency_key="k")

    assert machine.submitter.submit(Submission("obey", {"text": "a"}, idempotency_key="k")).created
    machine.deliver("obey")
    assert machine.record(record.id).state is State.COMPLETED


def test_an_input_left_alone_gives_way_after_a_quarter_of_an_hour(machine):
    record = machine.submit("obey", {"text": "a"}, idempotency_key="k")
    aws.dynamodb().delete_item(TableName="jobs", Key={"id": {"S": record.id}, "part": {"S": "state"}})
    machine.clock.advance(901)
    assert machine.submitter.submit(Submission("obey", {"text": "b"}, idempotency_key="k")).created


def test_an_unknown_task_is_refused_with_the_known_names(machine):
    with pytest.raises(UnknownTaskError, match="obey, obey-frozen, obey-in-order"):
        machine.submit("nothing", {})


def test_every_field_at_fault_is_named_with_its_value(machine):
    with pytest.raises(InvalidInputError) as caught:
        machine.submit("obey", {"fail_attempts": -1, "sleep_s": "long", "unknown": 1})
    assert [(error.field, error.value) for error in caught.value.errors] == [
        ("input.fail_attempts", "-1"),
        ("input.sleep_s", "long"),
        ("input.unknown", "1"),
    ]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"priority": "urgent"}, "priority"),
        ({"tags": ("",)}, "tags.0"),
        ({"tags": tuple("abcdefghijk")}, "tags"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "k" * 201}, "idempotency_key"),
    ],
)
def test_a_bad_envelope_is_refused_by_the_name_of_its_field(machine, more, field):
    with pytest.raises(InvalidInputError) as caught:
        machine.submit("obey", {}, **more)
    assert [error.field for error in caught.value.errors] == [field]


def test_a_delay_of_more_than_a_year_is_refused(machine):
    with pytest.raises(InvalidInputError, match="run_at"):
        machine.submit("obey", {}, run_at=machine.clock() + timedelta(days=400))


def test_an_uploaded_input_is_read_and_checked(machine):
    aws.s3().put_object(Bucket="payloads", Key="uploads/acme/one", Body=b'{"text": "up"}')
    aws.s3().put_object(Bucket="payloads", Key="uploads/acme/two", Body=b"no json")

    def submit(ref: str, tenant: str = "acme") -> None:
        machine.submitter.submit(Submission("obey", input_ref=ref, tenant=tenant))

    submit("uploads/acme/one")
    machine.deliver("obey")
    for ref, tenant in (("uploads/acme/two", "acme"), ("uploads/acme/none", "acme"), ("uploads/acme/one", "other")):
        with pytest.raises(InvalidInputError, match="input_ref"):
            submit(ref, tenant)


def test_jobs_of_one_lane_run_in_the_order_of_submission(machine):
    texts = ["a", "b", "c"]
    records = [machine.submit("obey-in-order", {"session": "s", "text": text}) for text in texts]
    other = machine.submit("obey-in-order", {"session": "t", "text": "x"})
    first_batch = machine.receive("obey-in-order")
    assert len(first_batch) == 2, "one message a lane: the head's"
    machine.make_visible("obey-in-order")
    for _ in range(3):
        machine.deliver("obey-in-order")
    done = [machine.record(record.id) for record in records]
    assert [record.state for record in done] == [State.COMPLETED] * 3
    assert machine.record(other.id).state is State.COMPLETED
    finished = [record.finished_at for record in done]
    assert finished == sorted(finished)


def test_a_job_that_failed_for_good_lets_the_next_in_its_lane_pass(machine):
    bad = machine.submit("obey-in-order", {"session": "s", "text": "bad", "fail_attempts": 9})
    good = machine.submit("obey-in-order", {"session": "s", "text": "good"})
    for _ in range(3):
        machine.deliver("obey-in-order")
        machine.make_visible("obey-in-order")
    assert machine.record(bad.id).state is State.FAILED
    assert machine.record(good.id).state is State.COMPLETED


def test_a_lane_keeps_its_order_while_a_job_is_retried(machine):
    first = machine.submit("obey-in-order", {"session": "s", "text": "1", "fail_attempts": 1})
    second = machine.submit("obey-in-order", {"session": "s", "text": "2"})
    machine.deliver("obey-in-order")
    assert machine.record(second.id).fence == 0
    machine.submitter.resend(second.id)  # a stray message out of turn
    machine.deliver("obey-in-order")
    assert machine.record(second.id).fence == 0
    machine.make_visible("obey-in-order")
    machine.deliver("obey-in-order")
    machine.deliver("obey-in-order")
    assert machine.record(first.id).finished_at <= machine.record(second.id).started_at


def test_a_revived_jobs_input_is_kept_as_long_as_a_new_ones(machine):
    record = machine.submit("obey", {"reject": True})
    machine.deliver("obey")
    before = machine.store.get_part(record.id, "input")["ttl"]
    machine.clock.advance(20 * 86_400)
    machine.submitter.revive(machine.record(record.id))
    assert machine.store.get_part(record.id, "input")["ttl"] >= before + 20 * 86_400
