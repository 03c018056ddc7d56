"""What a job was answered, kept in its table for the next run."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from backstay import aws
from backstay.errors import ErrorClass, Failure, WorkError
from backstay.jobs.admission import Envelope, Run
from backstay.jobs.attempt import Attempts, Ended
from backstay.jobs.endings import Endings, Retention
from backstay.jobs.message import read
from backstay.jobs.record import State
from backstay.jobs.time_limit import TimeLimit
from backstay.running import Job

WAITS, IS_WRONG = (Failure(kind, "no", 1) for kind in (ErrorClass.UNREACHABLE, ErrorClass.TASK_ERROR))


@pytest.fixture
def attempts(machine) -> Attempts:
    endings = Endings(machine.env, machine.submitter, Retention(), machine.clock)
    return Attempts(machine.env, machine.catalog.get("obey"), endings, machine.clock)


@pytest.fixture
def begin(machine, attempts):
    """Claims the job of the message in the queue; answers the run, and the job as its function sees it."""

    def begin() -> tuple[Run, Job]:
        task = machine.catalog.get("obey")
        envelope = Envelope.of(machine.receive("obey")[0], "obey")
        message = read(envelope.body, "m", "obey", task.version)
        claimed = machine.store.claim(message.job_id, "obey", machine.clock(), timedelta(seconds=54), 1)
        run = Run(envelope, message, claimed, {}, 1)
        limit = TimeLimit(task.limits, None, float("inf"))
        return run, attempts.job_of(run, limit, lambda metric: None)

    return begin


@pytest.mark.parametrize(("failure", "kept"), [(WAITS, "yes"), (IS_WRONG, None)], ids=["waits", "fails"])
def test_an_answer_outlasts_a_wait_for_the_world_and_is_asked_for_anew_after_the_job_s_own_failure(
    machine, attempts, begin, failure, kept
):
    machine.submit("obey", {})
    run, job = begin()
    job.call_log.keep(job.call_log.next_number(), "yes")
    attempts.settle(run, Ended(job, failure=failure))
    machine.clock.advance(900)
    machine.make_visible("obey")
    _, again = begin()
    assert again.call_log.recall(again.call_log.next_number()) == kept


def test_a_table_in_trouble_costs_the_job_time_and_no_attempt(machine, attempts, begin, monkeypatch):
    def throttled(**request):
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "PutItem")

    submitted = machine.submit("obey", {})
    run, job = begin()
    job.call_log.keep(job.call_log.next_number(), "yes")
    monkeypatch.setattr(aws.dynamodb(), "put_item", throttled)
    with pytest.raises(WorkError) as caught:
        job.call_log.next_number()
    attempts.settle(run, Ended(job, failure=caught.value.failure))
    parked = machine.record(submitted.id)
    assert (parked.state, parked.reason, parked.attempts) == (State.DELAYED, "unreachable", 0)
