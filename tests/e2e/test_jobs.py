"""A job's life on the embedded cloud, through its real entry points: HTTP, SQS, and nothing else."""

import itertools
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.receivers import receiver, status

pytestmark = pytest.mark.e2e


def test_a_job_that_fails_twice_succeeds_at_the_third_attempt(stack):
    job = stack.submit("obey", {"fail_attempts": 2, "text": "at last"})
    done = stack.wait(job["id"])
    assert done["state"] == "completed"
    assert done["result"] == {"attempt": 3, "text": "at last"}
    assert [failure["class"] for failure in done["failures"]] == ["task_error", "task_error"]


def test_a_job_that_never_succeeds_is_redriven_from_the_dead_letters_and_then_succeeds(stack):
    with receiver() as outside:
        outside.answers(status(503))
        work = {"url": outside.url(), "run_id": "none", "step": "one", "direction": "do"}
        job = stack.submit("act", work)
        failed = stack.wait(job["id"], "failed")
        assert failed["error"]["class"] == "task_error"
        letters = stack.get("/api/dead-letters", task="act")["dead_letters"]
        assert job["id"] in [letter["job_id"] for letter in letters]
        assert stack.dead_messages("act", job["id"]), "the message lies in the queue for SQS's own tools too"

        outside.answers(status(200))
        redrive = stack.post("/api/dead-letters/redrive", {"ids": [job["id"]]})
        assert stack.wait(redrive["id"])["result"]["moved"] == 1
        assert stack.wait(job["id"])["state"] == "completed"


def test_a_waiting_job_is_cancelled(stack):
    job = stack.submit("obey", {}, delay_s=600)
    assert job["state"] == "delayed"
    assert stack.post(f"/api/jobs/{job['id']}/cancel")["state"] == "cancelled"
    assert stack.job(job["id"])["state"] == "cancelled"


def test_an_active_job_is_cancelled_at_its_next_safe_point(stack):
    job = stack.submit("obey", {"steps": 12})
    stack.wait(job["id"], "active")
    stack.post(f"/api/jobs/{job['id']}/cancel")
    assert stack.wait(job["id"], "cancelled")["result"] is None


def test_a_delayed_job_waits_until_it_is_due(stack):
    job = stack.submit("obey", {"text": "later"}, delay_s=3)
    assert job["state"] == "delayed"
    done = stack.wait(job["id"])
    assert done["state"] == "completed"
    assert done["started_at"] > job["due_at"][:19]


def test_a_duplicate_is_the_same_job_and_runs_once(stack):
    key = str(uuid.uuid4())

    def submit(_: int) -> int:
        return stack.request("POST", "/api/jobs", {"task": "obey", "input": {}, "idempotency_key": key}).status_code

    with ThreadPoolExecutor(5) as threads:
        statuses = sorted(threads.map(submit, range(5)))
    assert statuses == [200, 200, 200, 200, 202]
    answer = stack.request("POST", "/api/jobs", {"task": "obey", "input": {}, "idempotency_key": key})
    done = stack.wait(answer.json()["id"])
    assert done["result"]["attempt"] == 1
    conflict = stack.request("POST", "/api/jobs", {"task": "obey", "input": {"text": "x"}, "idempotency_key": key})
    assert conflict.status_code == 409


def test_bad_input_is_refused_with_the_field_and_makes_no_job(stack):
    answer = stack.request("POST", "/api/jobs", {"task": "obey", "input": {"fail_attempts": -1}})
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["errors"][0]["field"] == "input.fail_attempts"


def test_a_raw_sqs_message_is_as_good_as_a_submit(stack):
    key = str(uuid.uuid4())
    stack.send("obey", {"task": "obey", "input": {"text": "raw"}, "idempotency_key": key})
    job = stack.wait_for_key("obey", key)
    assert job["result"]["text"] == "raw"


def test_a_message_that_is_no_job_is_listed_among_the_dead_letters_with_its_reason(stack):
    mark = str(uuid.uuid4())
    stack.send("obey", f"no job {mark}")
    letter = stack.until(
        lambda: next(
            (
                letter
                for letter in stack.get("/api/dead-letters", task="obey")["dead_letters"]
                if mark in (letter.get("body") or "")
            ),
            None,
        )
    )
    assert letter["error_class"] == "not_a_job"


def test_a_job_killed_half_way_by_a_lambda_timeout_runs_again(stack):
    job = stack.submit("obey-frozen", {"freeze_attempts": 1})
    done = stack.wait(job["id"], seconds=90)
    assert done["state"] == "completed"
    assert done["result"]["attempt"] == 2


def test_jobs_of_one_session_run_one_at_a_time_in_order(stack):
    session = str(uuid.uuid4())
    jobs = [
        stack.submit("obey-in-order", {"session": session, "text": str(number), "sleep_s": 0.2}) for number in range(4)
    ]
    results = [stack.wait(job["id"])["result"] for job in jobs]
    for earlier, later in itertools.pairwise(results):
        assert earlier["ended"] <= later["began"]


def test_a_signed_webhook_tells_of_the_end(stack):
    job = stack.submit("obey", {"text": "tell me"}, callback_url=stack.inbox_url("hooks"))
    stack.wait(job["id"])
    delivered = stack.until(lambda: stack.received("hooks", job["id"]))
    event = stack.verified(delivered)
    assert event["type"] == "job.completed"
    assert event["data"]["job_id"] == job["id"]


def test_stats_count_every_job_that_ended(stack):
    before = stack.stats("obey")["completed"]
    jobs = [stack.submit("obey", {"text": str(number)}) for number in range(12)]
    for job in jobs:
        stack.wait(job["id"])
    stack.until(lambda: stack.stats("obey")["completed"] >= before + 12)


def test_a_paused_task_takes_no_job_and_goes_on_when_resumed(stack):
    stack.post("/api/tasks/obey-in-order/pause")
    job = stack.submit("obey-in-order", {"session": str(uuid.uuid4()), "text": "patience"})
    with pytest.raises(TimeoutError):
        stack.wait(job["id"], seconds=4)
    stack.post("/api/tasks/obey-in-order/resume")
    assert stack.wait(job["id"])["state"] == "completed"


def test_a_large_input_is_uploaded_and_run(stack):
    work = json.dumps({"text": "z" * 300_000}).encode()
    upload = stack.post("/api/uploads", {"size": len(work), "content_type": "application/json"})
    stack.put(upload["url"], work, upload["headers"])
    job = stack.post("/api/jobs", {"task": "obey", "input_ref": upload["input_ref"]})
    done = stack.wait(job["id"])
    assert len(done["result"]["text"]) == 300_000


def test_a_tenants_data_is_deleted_and_its_neighbours_stays(stack):
    doomed, neighbour = f"doomed-{uuid.uuid4().hex[:6]}", f"safe-{uuid.uuid4().hex[:6]}"
    gone = stack.submit("obey", {}, tenant=doomed)
    stays = stack.submit("obey", {}, tenant=neighbour)
    stack.wait(gone["id"])
    stack.wait(stays["id"])
    deletion = stack.request("DELETE", f"/api/tenants/{doomed}/data").json()
    assert stack.wait(deletion["id"])["state"] == "completed"
    assert stack.request("GET", f"/api/jobs/{gone['id']}").status_code == 404
    assert stack.job(stays["id"])["state"] == "completed"
