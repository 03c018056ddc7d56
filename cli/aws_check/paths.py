"""A job through every path, which shows that each function may do what it must."""

import json
from collections.abc import Callable, Iterator

import httpx

from backstay.jobs.keys import job_id
from cli.aws_check.finding import Finding, Verdict, verdict_of
from cli.aws_check.ground import SLOW_TASK, STORY_TASK, Ground
from cli.problems import Problem

NAME = "paths"
JOBS = 7
_WITHIN_S = 180.0  # a first job meets cold starts, and pollers that were idle


def findings(ground: Ground) -> Iterator[Finding]:
    """Send a job down each path, and see where it ends."""
    paths: dict[str, Callable[[Ground], str]] = {
        "a job submitted through the API completes": _through_api,
        "a plain message to the queue completes": _through_queue,
        "an input brought by presigned URL is read by API and worker": _through_upload,
        "a delayed job starts when it is due": _delayed,
        "a story is stored, scored and read": _story,
        "a job that waits is cancelled": _cancelled,
        "a repeated submit is the same job": _repeated,
    }
    if SLOW_TASK in ground.tasks:
        paths["a job that fails is tried again by its message's visibility"] = _retried
    for says, path in paths.items():
        try:
            complaint = path(ground)
        except Problem as problem:
            complaint = problem.cause
        yield Finding(NAME, says, verdict_of(not complaint), complaint)
    if SLOW_TASK not in ground.tasks:
        reason = f"the task {SLOW_TASK} is not deployed"
        yield Finding(NAME, "a job that fails is tried again", Verdict.NOT_SHOWN, reason)


def _through_api(ground: Ground) -> str:
    return _end(ground, ground.submit(STORY_TASK, ground.story(1), ground.tenant("paths"))["id"])


def _through_queue(ground: Ground) -> str:
    tenant, key = ground.tenant("paths"), "plain"
    body = {"task": STORY_TASK, "input": ground.story(2), "tenant": tenant, "idempotency_key": key}
    url = f"{ground.target.outputs['QueueUrlPrefix']}{STORY_TASK}-normal"
    ground.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(body), MessageGroupId=tenant)
    wanted = job_id(tenant, STORY_TASK, key)
    return _end(ground, wanted)


def _through_upload(ground: Ground) -> str:
    tenant = ground.tenant("paths")
    document = json.dumps(ground.story(3, words=6_000)).encode()
    place = ground.api.post("/api/uploads", {"size": len(document), "tenant": tenant})
    answer = httpx.put(
        place["url"], content=document, headers=place["headers"], timeout=60, trust_env=not ground.target.is_local
    )
    if not answer.is_success:
        return f"the upload was answered with {answer.status_code}"
    body = {"task": STORY_TASK, "input_ref": place["input_ref"], "tenant": tenant}
    return _end(ground, ground.api.post("/api/jobs", body)["id"])


def _delayed(ground: Ground) -> str:
    document = ground.submit(STORY_TASK, ground.story(4), ground.tenant("paths"), delay_s=5)
    return _end(ground, document["id"])


def _story(ground: Ground) -> str:
    story, tenant = ground.story(5), ground.tenant("paths")
    accepted = ground.api.post(f"/api/stories?tenant={tenant}", story)
    if complaint := _end(ground, accepted["job"]["id"]):
        return complaint
    kept = ground.api.get(f"/api/stories/{story['id']}", tenant=tenant)
    return "" if kept["enhanced"] else "the story is without the scores that its job gave it"


def _cancelled(ground: Ground) -> str:
    document = ground.submit(STORY_TASK, ground.story(6), ground.tenant("cancelled"), delay_s=120)
    state = ground.api.post(f"/api/jobs/{document['id']}/cancel")["state"]
    return "" if state == "cancelled" else f"the job is {state}"


def _repeated(ground: Ground) -> str:
    first, second = (ground.submit(STORY_TASK, ground.story(1), ground.tenant("paths"))["id"] for _ in range(2))
    return "" if first == second else f"two jobs: {first} and {second}"


def _retried(ground: Ground) -> str:
    document = ground.submit(SLOW_TASK, {"fail_attempts": 1, "text": ground.run}, ground.tenant("retried"))
    if complaint := _end(ground, document["id"]):
        return complaint
    job = ground.job(document["id"])
    return "" if job and job.attempts == 2 else "the job took another number of attempts than two"


def _end(ground: Ground, wanted: str) -> str:
    job = ground.wait_for_job(wanted, _WITHIN_S)
    if job is None:
        return f"job {wanted} was not there after {_WITHIN_S:.0f} s"
    return "" if job.state == "completed" else f"job {wanted} is {job.state}: {job.why}"
