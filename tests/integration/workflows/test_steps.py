"""Steps of a saga are jobs whose end a state machine hears of: one sentence a test."""

import json
import time
from datetime import timedelta

import pytest

from backstay import aws
from backstay.errors import ErrorClass
from backstay.jobs.control import Control
from backstay.jobs.endings import Retention
from backstay.jobs.keys import digest_of
from backstay.jobs.record import State
from backstay.jobs.step import Direction, job_of_step
from backstay.jobs.step_jobs import StepJobs
from backstay.jobs.submit import StepJobError
from backstay.workflows.run_inputs import RunInputs

RUN = "acme." + "r" * 24


@pytest.fixture
def enter(machine, step_functions):
    """Enter a state: its message is sent."""

    def send(step: str, mapping: dict, task: str = "obey", **more) -> str:
        message = step_functions.message(RUN, step, task, mapping, **more)
        machine.send_raw(task, message)
        return job_of_step(RUN, step, task, Direction(more.get("direction", "do")))

    return send


def start(machine, document: dict) -> None:
    text = json.dumps(document)
    RunInputs(machine.env).put(RUN, text, digest_of(document), machine.clock() + timedelta(days=1))


def test_the_end_of_a_steps_job_is_told_with_the_facts_that_the_run_decides_by(machine, step_functions, enter):
    job_id = enter("first", {"text": "hello"}, facts=["text", "attempt", "nothing.there"])
    machine.deliver("obey")

    ((token, output),) = step_functions.heard
    assert token == "first-do-1"
    facts = {"text": "hello", "attempt": 1, "nothing_there": None}
    assert json.loads(output) == {"job_id": job_id, "facts": facts}
    assert machine.record(job_id).key == f"{RUN}#first#do"
    assert machine.receive("obey") == []


def test_a_step_takes_its_input_from_the_run_and_from_what_other_steps_answered(machine, step_functions, enter):
    start(machine, {"who": {"names": ["Ann", "Bo"]}})
    enter("first", {"text": {"$ref": "input.who.names.1"}})
    machine.deliver("obey")
    mapping = {
        "text": {"$ref": "first.text"},
        "fail_attempts": {"$ref": "input.fails", "default": 0},
    }
    job_id = enter("second", mapping, sources={"first": "obey"}, facts=["text"])
    machine.deliver("obey")

    assert json.loads(step_functions.heard[1][1])["facts"] == {"text": "Bo"}
    assert machine.record(job_id).state is State.COMPLETED


def test_what_a_step_must_know_of_other_jobs_is_read_in_one_go(machine, step_functions, enter):
    enter("first", {"text": "hello"})
    machine.deliver("obey")
    enter("second", {"text": {"$ref": "first.text"}}, sources={"first": "obey"})
    asked: list[str] = []

    def note(model, **_):
        asked.append(model.name)

    aws.dynamodb().meta.events.register("before-call.dynamodb", note)
    try:
        machine.deliver("obey")
    finally:
        aws.dynamodb().meta.events.unregister("before-call.dynamodb", note)
    assert [name for name in asked if "Get" in name or name in ("Query", "Scan")] == ["BatchGetItem"]


def test_ten_megabytes_pass_from_step_to_step(machine, step_functions, enter):
    enter("first", {"answer_bytes": 10_000_000})
    machine.deliver("obey")
    job_id = enter("second", {"text": {"$ref": "first.text"}}, sources={"first": "obey"}, facts=["text"])
    machine.deliver("obey")

    second = machine.record(job_id)
    assert second.result is not None
    assert second.result.size > 10_000_000
    assert json.loads(step_functions.heard[1][1])["facts"] == {"text": None}, "what is long is no fact"
    assert all(len(said) < 1_000 for _, said in step_functions.heard)


def test_what_a_step_answered_is_kept_for_as_long_as_a_run_may_wait(machine, step_functions, enter):
    job_id = enter("first", {"answer_bytes": 100_000})
    machine.deliver("obey")
    record = machine.record(job_id)
    assert record.expires_at is not None
    assert record.expires_at > machine.clock() + timedelta(days=59)
    assert record.result is not None
    assert record.result.s3_key is not None
    assert record.result.s3_key.startswith("steps/acme/")


def test_a_reference_that_leads_nowhere_fails_the_step_and_names_it(machine, step_functions, enter):
    start(machine, {})
    job_id = enter("first", {"text": {"$ref": "input.missing"}})
    machine.deliver("obey")

    ((_, (error, cause)),) = step_functions.heard
    assert error == "invalid_input"
    assert "'input.missing'" in cause
    assert machine.record(job_id).state is State.FAILED


def test_an_input_that_does_not_fit_the_task_fails_the_step_and_names_the_field(machine, step_functions, enter):
    enter("first", {"fail_attempts": "often"})
    machine.deliver("obey")
    ((_, (error, cause)),) = step_functions.heard
    assert error == "invalid_input"
    assert "input.fail_attempts" in cause


def test_a_step_of_a_tenant_whose_data_were_deleted_goes_on_record_no_more(machine, step_functions, enter):
    from backstay.jobs.departures import Departures

    Departures(machine.env.jobs_table).note("acme", machine.clock())
    job_id = enter("first", {})
    assert machine.deliver("obey") == []
    assert machine.store.get(job_id) is None
    ((_, (error, cause)),) = step_functions.heard
    assert (error, cause) == ("cancelled", "the data of tenant acme were deleted")


def test_an_undo_does_without_what_its_step_has_not_answered(machine, step_functions, enter):
    enter("first", {"text": {"$ref": "first.text"}}, direction="undo", sources={"first": "obey"}, facts=["text"])
    machine.deliver("obey")
    assert json.loads(step_functions.heard[0][1])["facts"] == {"text": ""}


def test_a_step_that_fails_for_good_is_told_with_class_and_message(machine, step_functions, enter):
    enter("first", {"reject": True})
    machine.deliver("obey")
    assert step_functions.heard == [("first-do-1", ("rejected", "told to reject"))]


def test_a_steps_job_retries_by_itself_before_anybody_hears_of_it(machine, step_functions, enter):
    enter("first", {"fail_attempts": 2})
    for _ in range(2):
        machine.deliver("obey")
        assert step_functions.heard == []
        machine.make_visible("obey")
    machine.deliver("obey")
    assert len(step_functions.heard) == 1
    assert machine.record(job_of_step(RUN, "first", "obey")).attempts == 3


def test_a_parked_step_goes_on_and_is_told_once_it_is_over(machine, step_functions, enter):
    enter("first", {"not_now_until": 1})
    machine.deliver("obey")
    machine.clock.advance(2)
    machine.make_visible("obey")
    machine.deliver("obey")
    assert [token for token, _ in step_functions.heard] == ["first-do-1"]


def test_a_cancelled_steps_job_is_told_as_cancelled(machine, step_functions, enter):
    job_id = enter("first", {"fail_attempts": 1})
    machine.deliver("obey")
    Control(machine.env, machine.catalog, Retention(), machine.clock).cancel(machine.record(job_id))
    ((_, (error, _)),) = step_functions.heard
    assert error == "cancelled"


def test_a_telling_that_fails_keeps_the_message_and_is_repeated(machine, step_functions, enter):
    enter("first", {})
    step_functions.broken = 1
    assert len(machine.deliver("obey")) == 1
    assert step_functions.heard == []

    machine.make_visible("obey")
    assert machine.deliver("obey") == []
    assert len(step_functions.heard) == 1
    assert machine.record(job_of_step(RUN, "first", "obey")).fence == 1, "told again, not run again"


def test_a_telling_that_fails_is_repeated_before_the_lease_would_end(machine, step_functions, enter):
    from moto.sqs.models import sqs_backends

    enter("first", {})
    step_functions.broken = 1
    machine.deliver("obey")
    queue = sqs_backends["123456789012"]["us-east-1"].queues["backstay-test-obey"]
    (message,) = queue._messages
    assert message.visible_at / 1000 - time.time() < 5, "it would take the lease of 54 s otherwise"


def test_a_message_that_sqs_gave_up_on_tells_what_its_run_has_not_heard(machine, step_functions, enter):
    from collections import Counter

    from backstay.jobs.dead_queue import DeadQueue
    from backstay.jobs.endings import Endings

    def tend() -> Counter[str]:
        endings = Endings(machine.env, machine.submitter, Retention(), machine.clock)
        queue = DeadQueue(machine.env, machine.submitter, endings, machine.clock)
        return queue.tend(machine.catalog.get("obey"), lambda: False)

    job_id = enter("first", {})
    (lost,) = machine.receive("obey")
    enter("first", {})  # the same state's message; its worker finishes the job, and never gets through
    step_functions.broken = 1
    machine.deliver("obey")
    assert step_functions.heard == []
    machine.send_raw("obey-dead", lost["body"])
    assert tend() == {"removed": 1}
    assert [token for token, _ in step_functions.heard] == ["first-do-1"]

    second = step_functions.message(RUN, "second", "obey", {})
    machine.send_raw("obey-dead", second)
    assert tend() == {"recorded": 1}
    assert step_functions.heard[1] == ("second-do-1", ("crashed", step_functions.heard[1][1][1]))
    assert machine.record(job_id).state is State.COMPLETED


def test_a_worker_that_dies_before_telling_is_made_good_by_the_next_delivery(machine, step_functions, enter):
    job_id = enter("first", {})
    machine.deliver("obey")
    step_functions.waiting.add("first-do-1")  # as if nothing had been heard
    machine.submitter.send_again(machine.record(job_id))
    machine.deliver("obey")
    assert len(step_functions.heard) == 2
    assert machine.record(job_id).fence == 1


def test_a_message_that_comes_twice_is_one_job_and_told_once(machine, step_functions, enter):
    message = step_functions.message(RUN, "first", "obey", {"text": "once"})
    machine.send_raw("obey", message)
    machine.send_raw("obey", message)
    machine.deliver("obey", most=1)
    machine.deliver("obey", most=1)
    assert len(step_functions.heard) == 1
    assert step_functions.refused > 0, "the second telling found nobody waiting, and that is no fault"
    assert machine.record(job_of_step(RUN, "first", "obey")).fence == 1


def test_the_newest_token_hears_of_a_job_that_is_over(machine, step_functions, enter):
    enter("first", {"text": "done"})
    machine.deliver("obey")
    enter("first", {"text": "done"}, execution=2)
    machine.deliver("obey")
    assert [token for token, _ in step_functions.heard] == ["first-do-1", "first-do-2"]
    assert machine.record(job_of_step(RUN, "first", "obey")).fence == 1, "what was done is not done again"


def test_a_late_message_of_an_older_execution_does_not_take_the_token_back(machine, step_functions, enter):
    enter("first", {}, execution=2)
    machine.deliver("obey")
    enter("first", {}, execution=1)
    machine.deliver("obey")
    step = machine.record(job_of_step(RUN, "first", "obey")).step
    assert step is not None
    assert step.token == "first-do-2"


def test_a_worker_that_holds_an_old_token_tells_the_newest(machine, step_functions, enter):
    message = step_functions.message(RUN, "first", "obey", {"text": "x"})
    machine.send_raw("obey", message)
    step_functions.waiting.clear()  # the state timed out
    newer = step_functions.message(RUN, "first", "obey", {"text": "x"}, execution=2)
    worker, (record,) = machine.worker("obey"), machine.receive("obey")
    notes = StepJobs(machine.env, machine.clock)

    from backstay.jobs.message import StepMessage, read

    late = read(json.dumps(newer), "m", "obey")
    assert isinstance(late, StepMessage)
    original = worker._attempts.perform

    def perform(run, job):
        notes.note(run.record.id, late.step)  # the new execution's message comes while the job runs
        return original(run, job)

    worker._attempts.perform = perform
    from tests.integration.conftest import Context

    worker.handle({"Records": [record]}, Context())
    assert [token for token, _ in step_functions.heard] == ["first-do-2"]


def test_a_steps_own_timeout_ends_its_run_before_the_tasks(machine, step_functions, enter):
    job_id = enter("first", {"sleep_s": 2}, timeout_s=1)
    machine.deliver("obey")
    (failure,) = machine.record(job_id).failures
    assert (failure.error_class, failure.message) == (ErrorClass.TASK_TIMEOUT, "ran longer than its 1 s")
    assert machine.record(job_id).uncertain


def test_a_step_that_reports_no_progress_for_too_long_has_timed_out(machine, step_functions, enter):
    job_id = enter("first", {"sleep_s": 2}, heartbeat_s=1)
    machine.deliver("obey")
    (failure,) = machine.record(job_id).failures
    assert failure.message == "reported no progress for 1 s"


def test_a_step_that_reports_progress_may_take_its_time(machine, step_functions, enter):
    job_id = enter("first", {"steps": 4}, heartbeat_s=1)
    machine.deliver("obey")
    assert machine.record(job_id).state is State.COMPLETED


def test_a_failed_steps_job_is_not_revived_by_itself(machine, step_functions, enter):
    job_id = enter("first", {"reject": True})
    machine.deliver("obey")
    control = Control(machine.env, machine.catalog, Retention(), machine.clock)
    with pytest.raises(StepJobError, match=rf"step 'first' of run {RUN}.*redrive the run"):
        control.retry(machine.record(job_id))
    assert machine.record(job_id).state is State.FAILED


def test_a_steps_dead_letter_that_sqs_brings_back_stays_dead(machine, step_functions, enter):
    from backstay import aws

    job_id = enter("first", {"reject": True})
    machine.deliver("obey")
    (dead,) = machine.receive("obey-dead")
    aws.sqs().send_message(
        QueueUrl=machine.env.queue_url("obey"),
        MessageBody=dead["body"],
        MessageAttributes={
            name: {"DataType": value["dataType"], "StringValue": value["stringValue"]}
            for name, value in dead["messageAttributes"].items()
        },
    )
    machine.deliver("obey")
    assert machine.record(job_id).state is State.FAILED
    assert machine.record(job_id).generation == 0
    assert machine.receive("obey") == []


def test_the_redrive_of_a_run_repeats_the_failed_job_in_place(machine, step_functions, enter):
    job_id = enter("first", {"fail_attempts": 3})
    for _ in range(3):
        machine.deliver("obey")
        machine.make_visible("obey")
    assert machine.record(job_id).state is State.FAILED

    StepJobs(machine.env, machine.clock).repeat(machine.record(job_id))
    assert machine.receive("obey") == [], "the state machine sends it"
    enter("first", {"fail_attempts": 3}, execution=2)
    for _ in range(3):
        machine.deliver("obey")
        machine.make_visible("obey")
    assert [token for token, _ in step_functions.heard] == ["first-do-1", "first-do-2"]
    assert machine.record(job_id).generation == 1


def test_a_repeated_job_that_never_had_an_input_gets_one(machine, step_functions, enter):
    start(machine, {})
    job_id = enter("first", {"text": {"$ref": "input.late"}})
    machine.deliver("obey")
    start(machine, {"late": "now"})
    StepJobs(machine.env, machine.clock).repeat(machine.record(job_id))
    enter("first", {"text": {"$ref": "input.late"}}, execution=2, facts=["text"])
    machine.deliver("obey")
    assert json.loads(step_functions.heard[1][1])["facts"] == {"text": "now"}


def test_a_job_whose_worker_died_after_it_was_called_off_does_not_run_again(machine, step_functions, enter):
    job_id = enter("first", {})
    record = machine.submit("obey", {}, tenant="acme", idempotency_key=f"{RUN}#first#do")
    assert record.id == job_id
    claimed = machine.store.claim(job_id, "obey", machine.clock(), timedelta(seconds=60), company=1)
    machine.store.save(claimed, claimed.cancel_asked())
    machine.clock.advance(100)
    machine.deliver("obey", most=1)
    machine.make_visible("obey")
    machine.deliver("obey")
    cancelled = machine.record(job_id)
    assert (cancelled.state, cancelled.fence, cancelled.uncertain) == (State.CANCELLED, 1, True)
