"""Fairness, throttling, races, permissions and pollers, as AWS has them and an emulator doesn't."""

import json
import statistics
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backstay.access.key_store import KeyChangedError
from backstay.jobs import keys

from .conftest import Deployed

_BACKLOG = 300
_PATIENCE_S = 300
_MOST_EMPTY_RECEIVES_A_MONTH = 1_500_000


def story(text: str = "It changes everything, its makers say.") -> dict[str, Any]:
    return {"id": uuid.uuid4().hex, "title": "A chip", "content": text, "sector_tag": "hardware", "impact_tags": []}


def submit(stage: Deployed, tenant: str, **options: object) -> dict[str, Any]:
    answer = stage.call("POST", "/api/jobs", {"task": "enhance-story", "input": story(), "tenant": tenant, **options})
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def ended(stage: Deployed, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        answer = stage.call("GET", f"/api/jobs/{job_id}")
        if answer.is_success and answer.json()["finished_at"]:
            job: dict[str, Any] = answer.json()
            return job
        time.sleep(1)
    raise TimeoutError(f"job {job_id} was not over within {_PATIENCE_S} s")


def test_the_roles_let_every_function_do_its_work_and_a_job_completes(stage: Deployed) -> None:
    assert ended(stage, submit(stage, stage.quiet)["id"])["state"] == "completed"
    assert ended(stage, submit(stage, stage.quiet, delay_s=2)["id"])["state"] == "completed"


def test_a_plain_message_becomes_a_job(stage: Deployed) -> None:
    sqs: Any = stage.aws("sqs")
    key = uuid.uuid4().hex
    body = {"task": "enhance-story", "input": story(), "tenant": stage.quiet, "idempotency_key": key}
    queue = stage.target.outputs["QueueUrlPrefix"] + "enhance-story-normal"
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(body))
    assert ended(stage, keys.job_id(stage.quiet, "enhance-story", key))["state"] == "completed"


def test_a_far_off_job_has_a_schedule_that_goes_with_it(stage: Deployed) -> None:
    scheduler: Any = stage.aws("scheduler")
    group = stage.target.outputs["ScheduleGroup"]
    job = submit(stage, stage.quiet, delay_s=86_400)
    pages = scheduler.get_paginator("list_schedules").paginate(GroupName=group)
    names = [schedule["Name"] for page in pages for schedule in page["Schedules"]]
    mark = job["id"].partition(".")[2]
    assert any(mark in name for name in names), f"no schedule of {job['id']} among {len(names)}"
    assert stage.call("POST", f"/api/jobs/{job['id']}/cancel").json()["state"] == "cancelled"


def test_a_tenant_with_one_job_does_not_wait_behind_another_s_backlog(stage: Deployed) -> None:
    with ThreadPoolExecutor(20) as threads:
        backlog = list(threads.map(lambda _: submit(stage, stage.noisy, priority="low")["id"], range(_BACKLOG)))
        alone = ended(stage, submit(stage, stage.quiet, priority="low")["id"])
        waits = [job["queue_wait_ms"] for job in threads.map(lambda job_id: ended(stage, job_id), backlog)]
    typical = statistics.median(waits)
    assert alone["queue_wait_ms"] <= typical, f"waited {alone['queue_wait_ms']} ms, the noisy tenant's {typical} ms"


def test_a_burst_is_taken_or_throttled_and_nothing_that_was_taken_is_lost(stage: Deployed) -> None:
    def burst(_: int) -> tuple[int, str]:
        body = {"task": "enhance-story", "input": story(), "tenant": stage.noisy}
        answer = stage.call("POST", "/api/jobs", body)
        return answer.status_code, answer.json().get("id", "")

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(burst, range(_BACKLOG)))
        assert {status for status, _ in answers} <= {202, 429, 503}
        taken = [job_id for status, job_id in answers if status == 202]
        assert all(job["state"] == "completed" for job in threads.map(lambda job_id: ended(stage, job_id), taken))


def test_of_many_submits_of_one_key_one_makes_the_job(stage: Deployed) -> None:
    body = {"task": "enhance-story", "input": story(), "tenant": stage.quiet, "idempotency_key": uuid.uuid4().hex}
    with ThreadPoolExecutor(20) as threads:
        statuses = sorted(threads.map(lambda _: stage.call("POST", "/api/jobs", body).status_code, range(20)))
    assert statuses == [200] * 19 + [202]


def test_rotations_of_one_key_at_once_leave_one_key_that_works(stage: Deployed) -> None:
    issued = stage.keys.create("aws-check rotation", stage.quiet, ["read"])

    def rotate(_: int) -> str | None:
        try:
            return stage.keys.rotate(issued.record.key_id).key
        except KeyChangedError:
            return None

    try:
        with ThreadPoolExecutor(8) as threads:
            fresh = [key for key in threads.map(rotate, range(8)) if key]
        assert fresh, "every rotation was refused"
        answers = [
            stage.http.get(f"{stage.target.api_url}/api/jobs", headers={"Authorization": f"Bearer {key}"}).status_code
            for key in fresh
        ]
        # Rotated in a row, the newest and the one before it (in its grace) open the door; older ones don't.
        assert 1 <= answers.count(200) <= 2
    finally:
        stage.keys.revoke(issued.record.key_id)


def test_the_pollers_of_an_idle_queue_cost_what_the_docs_say(stage: Deployed) -> None:
    cloudwatch: Any = stage.aws("cloudwatch")
    now = datetime.now(UTC)
    name = stage.target.outputs["QueueUrlPrefix"].rpartition("/")[2] + "deliver-webhook"
    points = cloudwatch.get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="NumberOfEmptyReceives",
        Dimensions=[{"Name": "QueueName", "Value": name}],
        StartTime=now - timedelta(hours=3),
        EndTime=now,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    if not points:
        pytest.skip("the stage has not been up for an hour yet")
    a_month = statistics.mean(point["Sum"] for point in points) * 730
    assert a_month < _MOST_EMPTY_RECEIVES_A_MONTH, f"{a_month:,.0f} empty receives a month for {name}"
