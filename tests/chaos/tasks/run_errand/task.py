"""A task that asks a model and then has an effect outside, once, however often it is run."""

import json
import os
import urllib.request

from pydantic import BaseModel

from backstay.task import Job, NotNow, Task, llm

_EFFECT_WITHIN_S = 5


class Errand(BaseModel):
    """What to do."""

    number: int
    url: str
    """Of the receiver."""


class Ran(BaseModel):
    """What came of it."""

    answer: str


task = Task(
    name="run-errand",
    input=Errand,
    output=Ran,
    timeout=15,
    max_attempts=10,  # a worker's death costs the jobs that ran alone in it an attempt
    backoff=1,
    concurrency=80,
    uses=("llm",),
)


@task.key
def key(errand: Errand) -> str:
    """Whoever submits it again means the same."""
    return str(errand.number)


@task.run
def run(errand: Errand, job: Job) -> Ran:
    """One question, one effect."""
    answer = llm.complete(f"Errand {errand.number}: may I?", max_output_tokens=40, cache=False)
    _have_effect(errand, job)
    return Ran(answer=answer)


def _have_effect(errand: Errand, job: Job) -> None:
    """Tells whose effect it is, and which process has it, so that the process can be killed."""
    body = json.dumps({"number": errand.number, "pid": os.getpid()}).encode()
    request = urllib.request.Request(errand.url, body, {"Idempotency-Key": job.id})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=_EFFECT_WITHIN_S):
            return
    except OSError as error:
        raise NotNow(f"the receiver did not answer: {error}", retry_after_s=1) from error
