"""How a step of a test's saga reaches outside, and what is done to it from inside its worker."""

import json
import os
import time
import urllib.request
from collections.abc import Callable

from botocore.exceptions import EndpointConnectionError

from backstay import aws
from backstay.jobs.step import to_attribute
from backstay.jobs.store import JobStore
from backstay.running import Job
from backstay.settings import Environment

from .task import LATE_S, Act, Fault

_POLL_S = 0.2


def call(order: Act, job: Job) -> None:
    """The effect: one request, repeated under the same key by every attempt."""
    effect = {"run_id": order.run_id, "step": order.step, "direction": order.direction}
    headers = {"Content-Type": "application/json", "Idempotency-Key": job.id}
    request = urllib.request.Request(order.url, json.dumps(effect).encode(), headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5):
        return


def before(fault: Fault | None, order: Act, job: Job) -> None:
    """What goes wrong in the first attempt, before the call or in the telling of its end."""
    match fault:
        case Fault.FAILS_ONCE:
            raise RuntimeError(f"told to fail {order.name} once")
        case Fault.DIES_BEFORE:
            os._exit(1)
        case Fault.DIES_UNTOLD:
            _break_telling(lambda: os._exit(1))
        case Fault.CALLBACK_LOST:
            _break_telling(_unreachable)
        case Fault.TWICE:
            _send_twice(order, job)


def after(fault: Fault | None, job: Job) -> None:
    """What goes wrong after the call."""
    match fault:
        case Fault.DIES_AFTER if job.attempt == 1:
            os._exit(1)
        case Fault.LATE:
            time.sleep(LATE_S)
        case Fault.HELD:
            while True:
                job.progress(50, "held")
                time.sleep(_POLL_S)


def _break_telling(instead: Callable[[], None]) -> None:
    """Make the next word to Step Functions come to something else, and those that follow come through."""
    real = aws.stepfunctions

    def broken() -> object:
        aws.stepfunctions = real
        instead()
        return real()

    aws.stepfunctions = broken


def _unreachable() -> None:
    raise EndpointConnectionError(endpoint_url="https://states.test")


def _send_twice(order: Act, job: Job) -> None:
    """The same message again, twice, as the queue may deliver it."""
    env = Environment.read()
    record = JobStore(env.jobs_table).get(job.id)
    assert record is not None
    assert record.step is not None
    message = {
        "task": record.task,
        "tenant": record.tenant,
        "idempotency_key": record.key,
        "input": order.model_dump(mode="json"),
        "step": {**to_attribute(record.step), "sources": {}},
    }
    for _ in range(2):
        aws.sqs().send_message(QueueUrl=env.queue_url("act"), MessageBody=json.dumps(message))
