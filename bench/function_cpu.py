"""CPU of the functions around a job, with answers at botocore's transport instead of AWS."""

import contextlib
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from backstay import aws
from backstay.dynamodb import encode_item
from backstay.settings import Environment
from bench import overhead
from bench.caller import caller
from bench.canned import Canned, answer_always
from bench.cloud import BENCH_TASKS, Context, environment
from bench.life import STREAM_BATCH, Life, follower, stream_records
from bench.work import question

_SENT = json.dumps({"MessageId": "m", "MD5OfMessageBody": ""}).encode()


@dataclass(frozen=True, slots=True)
class FunctionCpu:
    """Milliseconds of a whole core, botocore's own work included."""

    submit_ms: float
    """Of the API for one submit."""
    job_ms: float
    """Of the worker for one job of a full batch."""
    stream_batch_ms: float
    """Of the stream's consumer for one full batch of records."""


def measure(life: Life, rounds: int, step: Callable[[], None]) -> FunctionCpu:
    """Each function by itself; the median of so many rounds."""
    submit, job, stream = [], [], []
    with overhead.both(5) as (backstay, _, work):
        for _ in range(rounds):
            job.append(overhead.cpu_ms_per_job(backstay, work))
            step()
    with environment() as env:
        for number in range(rounds):
            submit.append(_submit_ms(env, 50, number))
            step()
    with environment(), contextlib.redirect_stdout(io.StringIO()):
        answer_always(aws.dynamodb(), b'{"Items": []}')  # nobody watches
        records = stream_records(life.submit, life.work)[:STREAM_BATCH]
        handle = follower()
        handle({"Records": records}, Context())
        for _ in range(rounds):
            began = time.process_time()
            handle({"Records": records}, Context())
            stream.append(1000 * (time.process_time() - began) * STREAM_BATCH / len(records))
            step()
    return FunctionCpu(median(submit), median(job), median(stream))


def _submit_ms(env: Environment, requests: int, salt: int) -> float:
    """A fresh caller each time: its key is looked up once, as one in many requests does."""
    aws.forget_clients()
    with caller(env, BENCH_TASKS) as client:
        Canned(key=encode_item(client.key_item())).attach(aws.dynamodb())
        answer_always(aws.sqs(), _SENT)
        events: list[dict[str, Any]] = [
            client.event("ask-model", question(salt * 1000 + n)) for n in range(requests + 1)
        ]
        client.send(events.pop())  # makes the clients
        began = time.process_time()
        for event in events:
            client.send(event)
        return 1000 * (time.process_time() - began) / requests
