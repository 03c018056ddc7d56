"""Reading, cancelling and retrying jobs."""

import pytest


def submit(caller, **work):  # type: ignore[no-untyped-def]
    """A job's id."""
    return caller("POST", "/api/jobs", {"task": "obey", "input": work}).json["id"]


def test_a_job_that_ran_tells_result_and_times(client, machine) -> None:
    caller = client()
    job = submit(caller, text="done")
    machine.deliver("obey")
    shown = caller("GET", f"/api/jobs/{job}").json

    assert shown["state"] == "completed"
    assert shown["input"] == {"text": "done"}
    assert shown["result"] == {"attempt": 1, "text": "done"}
    assert shown["attempts"] == 1
    assert shown["queue_wait_ms"] >= 0
    assert shown["run_ms"] >= 0
    assert shown["created_at"] <= shown["started_at"] <= shown["finished_at"]
    assert shown["finished_at"].endswith("Z")
    assert shown["error"] is None


def test_a_job_that_failed_tells_why_and_every_attempt(client, machine) -> None:
    caller = client()
    job = submit(caller, reject=True)
    machine.deliver("obey")
    shown = caller("GET", f"/api/jobs/{job}").json

    assert shown["state"] == "failed"
    assert shown["error"] == {"class": "rejected", "message": "told to reject"}
    assert [(failed["attempt"], failed["class"]) for failed in shown["failures"]] == [(1, "rejected")]
    assert shown["result"] is None


def test_a_large_result_is_answered_whole_and_a_larger_one_as_a_link(client, machine) -> None:
    caller = client()
    large, larger = submit(caller, answer_bytes=100_000), submit(caller, answer_bytes=1_000_001)
    machine.deliver("obey")
    shown, linked = (caller("GET", f"/api/jobs/{job}").json for job in (large, larger))

    assert len(shown["result"]["text"]) == 100_000
    assert shown["result_link"] is None
    assert linked["result"] is None
    assert "X-Amz-Signature" in linked["result_link"]


@pytest.mark.parametrize(
    "job_id", ["nonsense", "default." + "a" * 24, "default.%2e%2e", "DEFAULT.x", "counters#task#obey", "a" * 500]
)
def test_no_such_job_is_404(client, job_id: str) -> None:
    answer = client()("GET", f"/api/jobs/{job_id}")

    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_jobs_are_listed_newest_first_over_pages(client) -> None:
    caller = client("newsroom")
    made = [submit(caller, text=str(number)) for number in range(5)]
    first = caller("GET", "/api/jobs", query={"limit": "3"}).json
    second = caller("GET", "/api/jobs", query={"limit": "3", "cursor": first["cursor"]}).json

    assert [job["id"] for job in first["jobs"] + second["jobs"]] == made[::-1]
    assert second["cursor"] is None


def test_jobs_are_listed_by_task_and_state(client, machine) -> None:
    caller = client()
    job = submit(caller, reject=True)
    machine.deliver("obey")
    submit(caller)

    failed = caller("GET", "/api/jobs", query={"task": "obey", "state": "failed"}).json["jobs"]
    assert [one["id"] for one in failed] == [job]
    assert caller("GET", "/api/jobs", query={"task": "obey-in-order"}).json["jobs"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"state": "happy"}, "state"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"task": "fly"}, "task"),
        ({"tenant": "Not One"}, "tenant"),
    ],
)
def test_a_wrong_filter_is_422_and_named(client, query, field: str) -> None:
    answer = client()("GET", "/api/jobs", query=query)

    assert answer.status == 422
    assert field in answer.fields


def test_a_waiting_job_is_cancelled_at_once_and_again_is_harmless(client, machine) -> None:
    caller = client()
    job = submit(caller)

    for _ in range(2):
        answer = caller("POST", f"/api/jobs/{job}/cancel")
        assert (answer.status, answer.json["state"]) == (200, "cancelled")
    machine.deliver("obey")
    assert machine.record(job).state == "cancelled"


def test_a_job_that_is_over_can_not_be_cancelled(client, machine) -> None:
    caller = client()
    job = submit(caller)
    machine.deliver("obey")
    answer = caller("POST", f"/api/jobs/{job}/cancel")

    assert answer.status == 409
    assert "is completed" in answer.json["detail"]


def test_a_failed_job_runs_again_under_its_id(client, machine) -> None:
    caller = client()
    job = submit(caller, reject=True)
    machine.deliver("obey")
    answer = caller("POST", f"/api/jobs/{job}/retry")

    assert answer.json["state"] == "waiting"
    assert answer.json["redrives"] == 1
    assert answer.json["attempts"] == 0


def test_only_a_failed_job_can_be_retried(client) -> None:
    caller = client()
    answer = caller("POST", f"/api/jobs/{submit(caller)}/retry")

    assert answer.status == 409
    assert "only a failed job" in answer.json["detail"]


def test_a_retry_whose_input_is_gone_says_so(client, machine, cloud) -> None:
    from backstay import aws

    caller = client()
    job = submit(caller, reject=True)
    machine.deliver("obey")
    aws.dynamodb().delete_item(TableName=cloud.jobs_table, Key={"id": {"S": job}, "part": {"S": "input"}})

    assert caller("GET", f"/api/jobs/{job}").json["input"] is None
    answer = caller("POST", f"/api/jobs/{job}/retry")
    assert answer.status == 410
    assert "past its retention" in answer.json["detail"]
