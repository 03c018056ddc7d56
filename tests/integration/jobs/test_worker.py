"""The worker against moto: what the queue promises, one sentence a test."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from backstay import aws
from backstay.errors import ErrorClass
from backstay.jobs.admission import Run
from backstay.jobs.attempt import Attempts, Ended
from backstay.jobs.endings import Endings, Retention
from backstay.jobs.record import State
from backstay.jobs.store import LostLeaseError
from backstay.jobs.submit import Submitter
from backstay.receipt import Call, Receipt
from backstay.running import Job


def test_a_submitted_job_runs_and_keeps_its_result(machine):
    record = machine.submit("obey", {"text": "hello"})
    assert record.state is State.WAITING

    assert machine.deliver("obey") == []

    done = machine.record(record.id)
    assert done.state is State.COMPLETED
    assert done.attempts == 1
    assert done.result is not None
    assert done.result.inline == '{"attempt":1,"text":"hello"}'
    assert done.expires_at is not None
    assert machine.receive("obey") == []


def test_a_job_that_fails_twice_is_tried_a_third_time_and_succeeds(machine):
    record = machine.submit("obey", {"fail_attempts": 2})
    for attempt in (1, 2):
        assert len(machine.deliver("obey")) == 1
        waiting = machine.record(record.id)
        assert (waiting.state, waiting.attempts, waiting.reason) == (State.WAITING, attempt, "task_error")
        machine.make_visible("obey")

    assert machine.deliver("obey") == []

    done = machine.record(record.id)
    assert (done.state, done.attempts) == (State.COMPLETED, 3)
    assert [failure.error_class for failure in done.failures] == [ErrorClass.TASK_ERROR] * 2


def test_a_job_that_never_succeeds_ends_in_the_dead_letter_queue_with_its_reason(machine):
    record = machine.submit("obey", {"fail_attempts": 9})
    for _ in range(3):
        machine.deliver("obey")
        machine.make_visible("obey")

    failed = machine.record(record.id)
    assert failed.state is State.FAILED
    assert failed.error is not None
    assert failed.error.message == "RuntimeError: told to fail attempt 3"
    assert machine.receive("obey") == []
    (dead,) = machine.receive("obey-dead")
    assert dead["messageAttributes"]["job_id"]["stringValue"] == record.id
    assert dead["messageAttributes"]["reason"]["stringValue"] == "task_error"
    assert dead["messageAttributes"]["task"]["stringValue"] == "obey"


def test_a_dead_letter_that_comes_back_is_a_redrive(machine):
    record = machine.submit("obey", {"fail_attempts": 3})
    for _ in range(3):
        machine.deliver("obey")
        machine.make_visible("obey")
    (dead,) = machine.receive("obey-dead")
    # what the redrive of SQS's own console does: the same body and attributes, back in the source queue
    aws.sqs().send_message(
        QueueUrl=machine.env.queue_url("obey"),
        MessageBody=dead["body"],
        MessageAttributes={
            name: {"DataType": value["dataType"], "StringValue": value["stringValue"]}
            for name, value in dead["messageAttributes"].items()
        },
    )

    machine.deliver("obey")
    revived = machine.record(record.id)
    assert (revived.state, revived.attempts, revived.generation) == (State.WAITING, 0, 1)
    for _ in range(3):
        machine.deliver("obey")
        machine.make_visible("obey")
    assert machine.record(record.id).state is State.FAILED
    assert machine.record(record.id).attempts == 3


def test_the_worlds_failures_park_a_job_and_cost_no_attempt(machine):
    record = machine.submit("obey", {"not_now_until": 2})
    for waits in (1, 2):
        assert machine.deliver("obey") == []
        parked = machine.record(record.id)
        assert (parked.state, parked.attempts, parked.waits) == (State.DELAYED, 0, waits)
        assert parked.reason == "unreachable"
        machine.clock.advance(2)
        machine.make_visible("obey")

    machine.deliver("obey")
    assert machine.record(record.id).state is State.COMPLETED
    assert machine.record(record.id).attempts == 1


def test_a_job_that_waits_for_the_world_too_long_fails_and_says_so(machine):
    record = machine.submit("obey", {"not_now_until": 99})
    machine.deliver("obey")
    machine.clock.advance(3700)
    machine.make_visible("obey")
    machine.deliver("obey")

    failed = machine.record(record.id)
    assert failed.state is State.FAILED
    assert failed.error is not None
    assert failed.error.error_class is ErrorClass.GAVE_UP
    assert "told to wait" in failed.error.message


def test_a_second_message_of_an_active_job_is_kept_until_the_lease_ends(machine):
    record = machine.submit("obey", {})
    claimed = machine.store.claim(record.id, "obey", machine.clock(), _lease(machine), company=1)
    assert claimed.fence == 1

    assert len(machine.deliver("obey")) == 1
    assert machine.record(record.id).fence == 1


def test_a_second_message_of_a_completed_job_is_acknowledged_and_runs_nothing(machine):
    record = machine.submit("obey", {})
    machine.submitter.resend(record.id)
    machine.deliver("obey", most=1)
    machine.deliver("obey", most=1)

    assert machine.record(record.id).fence == 1
    assert machine.receive("obey") == []


def test_a_worker_that_lost_its_lease_cannot_finish_the_job(machine):
    record = machine.submit("obey", {})
    old = machine.store.claim(record.id, "obey", machine.clock(), _lease(machine), company=1)
    machine.clock.advance(100)
    machine.deliver("obey")
    done = machine.record(record.id)
    assert (done.state, done.fence) == (State.COMPLETED, 2)

    endings = Endings(machine.env, machine.submitter, Retention(), machine.clock)
    task = machine.catalog.get("obey")
    with pytest.raises(LostLeaseError):
        endings.complete(old, task.output.model_validate({"attempt": 9, "text": "late"}), Receipt())
    assert machine.record(record.id).result == done.result


def test_a_worker_cannot_finish_what_another_one_has_begun(machine):
    record = machine.submit("obey", {})
    old = machine.store.claim(record.id, "obey", machine.clock(), _lease(machine), company=1)
    machine.clock.advance(100)
    new = machine.store.reclaim(old, machine.clock(), _lease(machine))
    with pytest.raises(LostLeaseError):
        machine.store.save(old, old.cancelled(machine.clock(), timedelta(days=1)))
    assert machine.record(record.id) == new


def test_a_killed_workers_job_runs_again_and_its_attempt_is_counted(machine):
    record = machine.submit("obey", {})
    machine.store.claim(record.id, "obey", machine.clock(), _lease(machine), company=1)
    machine.clock.advance(100)

    assert machine.deliver("obey") == []
    assert machine.record(record.id).attempts == 2
    assert machine.record(record.id).excused == 0


def test_a_job_whose_worker_dies_every_time_fails_as_crashed(machine):
    record = machine.submit("obey", {})
    machine.store.claim(record.id, "obey", machine.clock(), _lease(machine), company=1)
    for _ in range(2):
        machine.clock.advance(100)
        machine.store.reclaim(machine.record(record.id), machine.clock(), _lease(machine))
    machine.clock.advance(100)

    machine.deliver("obey")
    failed = machine.record(record.id)
    assert failed.state is State.FAILED
    assert failed.error is not None
    assert failed.error.error_class is ErrorClass.CRASHED
    assert len(machine.receive("obey-dead")) == 1


def test_a_crash_in_company_costs_the_neighbours_no_attempt(machine):
    records = [machine.submit("obey", {"fail_attempts": 3}, idempotency_key=str(n)) for n in range(3)]
    for record in records:
        machine.store.claim(record.id, "obey", machine.clock(), _lease(machine), company=3)
    machine.clock.advance(100)
    machine.deliver("obey", remaining_ms=120_000)

    for record in records:
        after = machine.record(record.id)
        assert (after.state, after.attempts, after.own_failures) == (State.WAITING, 2, 1)


def test_suspects_run_alone_and_are_handed_back_when_time_is_short(machine):
    records = [machine.submit("obey", {"sleep_s": 1}, idempotency_key=str(n)) for n in range(3)]
    for record in records:
        machine.store.claim(record.id, "obey", machine.clock(), _lease(machine), company=3)
    machine.clock.advance(100)

    kept = machine.deliver("obey", remaining_ms=14_900)
    assert len(kept) == 2
    assert sorted(machine.record(record.id).state for record in records) == ["active", "active", "completed"]
    assert len(machine.receive("obey")) == 2, "handed back means visible at once"


def test_a_message_that_is_no_job_goes_to_the_dead_letter_queue_at_once(machine):
    bodies = ["no json", "[]", '{"task": "other", "input": {}}', '{"task": "obey"}', '{"task": "obey", "inputs": {}}']
    for body in bodies:
        machine.send_raw("obey", body)
    assert machine.deliver("obey") == []
    assert machine.receive("obey") == []
    dead = machine.receive("obey-dead")
    assert sorted(message["body"] for message in dead) == sorted(bodies)
    assert {message["messageAttributes"]["reason"]["stringValue"] for message in dead} == {"not_a_job"}


def test_a_raw_message_with_invalid_input_is_buried_and_makes_no_job(machine):
    machine.send_raw("obey", {"task": "obey", "input": {"fail_attempts": -1}, "idempotency_key": "bad"})
    machine.deliver("obey")
    (dead,) = machine.receive("obey-dead")
    assert dead["messageAttributes"]["reason"]["stringValue"] == "invalid_input"

    from backstay.jobs.keys import job_id

    assert machine.store.get(job_id("default", "obey", "bad")) is None


def test_a_raw_message_is_as_good_as_a_submit(machine):
    machine.send_raw("obey", {"task": "obey", "input": {"text": "raw"}, "idempotency_key": "k", "tenant": "acme"})
    machine.deliver("obey")
    same = machine.submit("obey", {"text": "raw"}, idempotency_key="k", tenant="acme")
    assert same.state is State.COMPLETED
    assert same.tenant == "acme"


def test_a_raw_message_whose_job_must_wait_stays_that_one_job(machine, clock):
    machine.send_raw("obey", {"task": "obey", "input": {"not_now_until": 2}})
    machine.deliver("obey")
    (job,) = (
        item["id"]["S"] for item in aws.dynamodb().scan(TableName="jobs")["Items"] if item["part"]["S"] == "state"
    )
    for _ in range(2):
        clock.advance(60)
        machine.make_visible("obey")
        machine.deliver("obey")
    assert (machine.record(job).state, machine.record(job).waits) == (State.COMPLETED, 2)


def test_ten_jobs_of_a_batch_run_side_by_side(machine):
    import time

    for number in range(10):
        machine.submit("obey", {"sleep_s": 0.4}, idempotency_key=str(number))
    began = time.monotonic()
    machine.deliver("obey")
    side_by_side = time.monotonic() - began
    assert side_by_side < 10 * 0.4, "one after another they would sleep for 4 s alone"


def test_one_bad_job_of_a_batch_does_not_fail_the_others(machine):
    good = [machine.submit("obey", {"text": str(n)}) for n in range(3)]
    bad = machine.submit("obey", {"fail_attempts": 1})
    machine.send_raw("obey", "nonsense")
    kept = machine.deliver("obey")
    assert len(kept) == 1
    assert all(machine.record(record.id).state is State.COMPLETED for record in good)
    assert machine.record(bad.id).state is State.WAITING


def test_a_job_over_its_time_counts_an_attempt_and_its_late_result_is_dropped(machine):
    import time

    record = machine.submit("obey", {"sleep_s": 1.5})
    # 6 s are the margin: the job gets half a second
    kept = machine.deliver("obey", remaining_ms=6_500)
    assert len(kept) == 1
    late = machine.record(record.id)
    assert (late.state, late.attempts, late.reason) == (State.WAITING, 1, "task_timeout")
    time.sleep(1.3)
    assert machine.record(record.id).state is State.WAITING


def test_a_cancelled_waiting_job_never_runs(machine):
    from backstay.jobs.control import Control
    from backstay.jobs.endings import Retention

    record = machine.submit("obey", {})
    control = Control(machine.env, machine.catalog, Retention(), machine.clock)
    assert control.cancel(record).state is State.CANCELLED
    assert machine.deliver("obey") == []
    assert machine.record(record.id).fence == 0
    assert machine.receive("obey") == []


def test_an_active_job_is_cancelled_at_its_next_safe_point(machine):
    import threading

    from backstay.jobs.control import Control
    from backstay.jobs.endings import Retention

    record = machine.submit("obey", {"steps": 8})
    control = Control(machine.env, machine.catalog, Retention(), machine.clock)

    def cancel_when_active() -> None:
        import time

        while (current := machine.record(record.id)).state is not State.ACTIVE:
            time.sleep(0.02)
        control.cancel(current)

    canceller = threading.Thread(target=cancel_when_active)
    canceller.start()
    machine.deliver("obey")
    canceller.join()
    cancelled = machine.record(record.id)
    assert cancelled.state is State.CANCELLED
    assert cancelled.progress is not None
    assert machine.receive("obey") == []


def test_what_a_run_has_paid_is_told_when_it_is_cancelled(machine):
    record = machine.submit("obey", {})
    claimed = machine.store.claim(record.id, "obey", machine.clock(), timedelta(seconds=30), 1)
    machine.store.save(claimed, claimed.cancel_asked())
    submitter = Submitter(machine.env, machine.catalog, machine.clock)
    endings = Endings(machine.env, submitter, Retention(), machine.clock)
    call = Call("openai", "m", 1, 1, 1, Decimal("0.25"))
    run = Run(machine.receive("obey")[0], None, claimed, {}, 1)
    attempts = Attempts(machine.env, machine.catalog.get("obey"), endings, machine.clock)
    attempts.settle(run, Ended(Job(calls=[call]), cancelled=True))
    cancelled = machine.record(record.id)
    assert cancelled.state is State.CANCELLED
    assert cancelled.receipt == Receipt((call,))


def test_a_rejected_job_fails_at_once(machine):
    record = machine.submit("obey", {"reject": True})
    machine.deliver("obey")
    failed = machine.record(record.id)
    assert (failed.state, failed.attempts) == (State.FAILED, 1)


@pytest.mark.parametrize(("size", "place"), [(100, "inline"), (10_000, "item"), (100_000, "s3")])
def test_a_result_lies_where_its_size_belongs_and_is_read_back(machine, size, place):
    from backstay.jobs.queries import JobQueries

    record = machine.submit("obey", {"answer_bytes": size})
    machine.deliver("obey")
    done = machine.record(record.id)
    assert done.result is not None
    assert (done.result.inline is not None) == (place == "inline")
    assert (done.result.s3_key is not None) == (place == "s3")
    text = JobQueries(machine.env, machine.catalog).result_text(done)
    assert text is not None
    assert "x" * size in text


def test_a_large_input_travels_as_a_claim_check(machine):
    record = machine.submit("obey", {"text": "y" * 50_000})
    (message,) = machine.receive("obey")
    assert len(message["body"]) < 300
    machine.make_visible("obey")
    machine.deliver("obey")
    assert machine.record(record.id).state is State.COMPLETED


def test_a_delayed_job_that_is_early_is_kept(machine):
    from datetime import timedelta

    record = machine.submit("obey", {}, run_at=machine.clock() + timedelta(seconds=600))
    assert record.state is State.DELAYED
    machine.make_visible("obey")
    assert len(machine.deliver("obey")) == 1
    assert machine.record(record.id).fence == 0
    machine.clock.advance(600)
    machine.make_visible("obey")
    machine.deliver("obey")
    assert machine.record(record.id).state is State.COMPLETED


def test_a_job_due_later_than_sqs_can_delay_is_scheduled(machine):
    from datetime import timedelta

    record = machine.submit("obey", {"text": "later"}, run_at=machine.clock() + timedelta(hours=2))
    assert machine.receive("obey") == []
    (schedule,) = aws.scheduler().list_schedules(GroupName="backstay-test")["Schedules"]
    details = aws.scheduler().get_schedule(GroupName="backstay-test", Name=schedule["Name"])
    assert record.id in schedule["Name"]
    assert record.id in details["Target"]["Input"]
    assert details["Target"]["Arn"] == machine.env.queue_arn("obey")


def _lease(machine):
    from datetime import timedelta

    return timedelta(seconds=machine.catalog.get("obey").limits.lease_s)


def test_a_teams_own_metric_is_written_with_the_task_as_its_dimension(machine, capsys):
    machine.submit("obey", {"measure": "WordsWritten", "text": "three words here"})
    bad = machine.submit("obey", {"measure": "no name", "text": "x"})
    machine.deliver("obey")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [line for line in lines if "WordsWritten" in line]
    assert (line["WordsWritten"], line["Task"]) == ([3.0], "obey")
    assert machine.record(bad.id).failures[0].message.startswith("MetricError: metric 'no name'")
