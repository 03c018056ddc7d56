"""What a million jobs cost at list prices. All of the arithmetic stands here; what goes into it is measured or named.

A job is submitted through the API with 2 KB in, asks a model that takes 2 s, and answers 1 KB; batches and the stream's
batches are full. Tokens are not counted: they are the provider's.
"""

import json
from dataclasses import dataclass

from backstay.jobs.inputs import input_kept
from bench import prices
from bench.capacity import stored_bytes
from bench.cloud import BENCH_TASKS, JOBS
from bench.figures import Figure, Part, itemised
from bench.function_cpu import FunctionCpu
from bench.function_cpu import measure as measure_cpu
from bench.guard_calls import GUARDS_USD
from bench.life import BATCH, STREAM_BATCH, Life, Log, live
from bench.results import value_of
from bench.run import Run

NAMES = ("usd_per_million_jobs",)

JOBS_A_MONTH = 1_000_000
MODEL_S = 2.0
API_MB, WORKER_MB, STREAM_MB = 512, 512, 256

# Seconds that a call to AWS takes inside one region, as its services' own metrics usually show them.
WRITE_S, SEND_S, TRANSACTION_S = 0.005, 0.010, 0.015

STREAM_RECORDS_A_JOB = 3
"""Submitted, claimed, finished."""
COMPLETED_KEPT_DAYS, INPUT_KEPT_DAYS = 7, input_kept().days
FULL_BATCHES_A_SECOND = 1.0
"""An event source gathers for a second: ten jobs a second or more make full batches, so that a million take a day."""
HOURS = JOBS_A_MONTH / BATCH / FULL_BATCHES_A_SECOND / 3600
HOURS_A_MONTH = prices.MONTH_S / 3600

KMS_CACHE_S = 300
"""DynamoDB asks KMS for a table's key at most so often for each principal; a worker reads its secret as often."""
PRINCIPALS_AND_TABLES = 4
"""The API with jobs and keys, the worker with jobs, the stream's consumer with jobs."""
BUSY_WORKERS = 3
"""Processes of the worker that full batches of 2 s keep busy, when one comes each second."""


@dataclass(frozen=True, slots=True)
class Used:
    """What one job uses, as measured."""

    write_units: dict[str, float]
    """Of DynamoDB, by who writes."""
    read_units: float
    log_bytes: dict[str, float]
    """With what CloudWatch adds, by whose log."""
    metrics: int
    """Different ones that the logs name."""
    message_bytes: float
    input_bytes: int
    record_bytes: int
    """Stored, indexes included."""
    cpu: FunctionCpu


def measure(run: Run) -> list[Figure]:
    """Live through jobs for what they write, then through each function for its CPU."""
    jobs, rounds = (40, 3) if run.quick else (200, 9)  # whose changes fill the stream's batches
    with run.progress("costs", 2 * jobs // BATCH + 3 * rounds) as step:
        life, cached = (live(BENCH_TASKS, name, jobs, step) for name in ("ask-model", "ask-cached"))
        used = used_by(life, measure_cpu(life, rounds, step))
        more = _tables_usd(used_by(cached, used.cpu)) - _tables_usd(used)
    parts = job_parts(used)
    return [
        itemised(
            "usd_per_million_jobs", "USD", "A million jobs, 2 KB in, 1 KB out, 2 s in the model, at list prices.",
            parts, at_most=12.0, aim=8.0,
            note=(
                "Arm, 512 MB, full batches; without tokens, data transfer out, cold starts and free tiers. "
                f"Tasks that keep answers for whoever asks the same pay {more:.2f} USD more for keeping them. "
                f"Spread over a whole month, the same jobs pay {spread_usd(used):.2f} USD more for metrics and keys."
                + _beside_guards(sum(part.value for part in parts))
            ),
        ),
    ]  # fmt: skip


def _beside_guards(job_usd: float) -> str:
    guards_usd = value_of(GUARDS_USD, 0.0)
    together = f": {job_usd + guards_usd:.2f} USD with it" if guards_usd else ""
    return f" What budgets, limits and breakers write is not in it, but in {GUARDS_USD}{together}."


def spread_usd(used: Used) -> float:
    """What metrics and keys cost more when jobs come all month long, and not in the hours that full batches take."""
    by_the_hour = (*_key_parts(), _metrics_part(used.metrics))
    return sum(part.value for part in by_the_hour) * (HOURS_A_MONTH / HOURS - 1)


def _tables_usd(used: Used) -> float:
    return sum(part.value for part in _dynamodb_parts(used))


def used_by(life: Life, cpu: FunctionCpu) -> Used:
    """What one of these jobs used."""
    input_item, record_item = life.stored
    tallies = {"submit": life.submit, "worker": life.work, "stream": life.stream}
    logs = {"API": life.api_log, "worker": life.worker_log, "stream": life.stream_log, "access": _access_log(life.jobs)}
    return Used(
        write_units={who: tally.write_units / life.jobs for who, tally in tallies.items()},
        read_units=sum(tally.read_units for tally in tallies.values()) / life.jobs,
        log_bytes={whose: _ingested(log) / life.jobs for whose, log in logs.items()},
        metrics=len({metric for log in logs.values() for metric in log.metrics()}),
        message_bytes=life.message_bytes,
        input_bytes=stored_bytes(JOBS, input_item),
        record_bytes=stored_bytes(JOBS, record_item),
        cpu=cpu,
    )


def job_parts(used: Used) -> tuple[Part, ...]:
    """What a million jobs cost, item by item."""
    return (
        Part("HTTP API", JOBS_A_MONTH * prices.HTTP_API_REQUEST, "1 request of up to 512 KB"),
        *lambda_parts(used.cpu),
        *_sqs_parts(used.message_bytes),
        *_dynamodb_parts(used),
        *_key_parts(),
        *_log_parts(used.log_bytes),
        _metrics_part(used.metrics),
        Part("S3", 0.0, "nothing: 2 KB in and 1 KB out lie in the table"),
    )  # fmt: skip


def lambda_parts(cpu: FunctionCpu) -> tuple[Part, ...]:
    """The functions, each for as long as it waits and computes with its share of a core."""
    submit_s = 2 * WRITE_S + SEND_S + computing_s(cpu.submit_ms, API_MB)
    batch_s = MODEL_S + 2 * WRITE_S + computing_s(BATCH * cpu.job_ms, WORKER_MB)
    stream_s = TRANSACTION_S + computing_s(cpu.stream_batch_ms, STREAM_MB)
    stream_batches = STREAM_RECORDS_A_JOB / STREAM_BATCH
    return (
        _function("Lambda: API", 1, submit_s, API_MB),
        _function("Lambda: worker", 1 / BATCH, batch_s, WORKER_MB),
        _function("Lambda: stream consumer", stream_batches, stream_s, STREAM_MB),
    )


def computing_s(cpu_ms: float, memory_mb: int) -> float:
    """Seconds that so much CPU takes a function of this memory."""
    return cpu_ms / 1000 / min(1.0, memory_mb / prices.LAMBDA_MB_PER_CPU)


def _function(name: str, calls_a_job: float, seconds: float, memory_mb: int) -> Part:
    calls = JOBS_A_MONTH * calls_a_job
    usd = calls * (prices.LAMBDA_REQUEST + seconds * memory_mb / 1024 * prices.LAMBDA_GB_SECOND)
    return Part(name, usd, f"{calls_a_job:g} calls a job of {seconds * 1000:.0f} ms at {memory_mb} MB")


def _sqs_parts(message_bytes: float) -> tuple[Part, ...]:
    fair = prices.SQS_REQUEST + prices.SQS_FAIR_REQUEST
    chunks = max(1, -(-BATCH * message_bytes // prices.SQS_REQUEST_BYTES))
    return (
        Part("SQS: send", JOBS_A_MONTH * fair, "1 request, with the surcharge of fair queues"),
        Part("SQS: receive", JOBS_A_MONTH * chunks / BATCH * fair, f"{chunks / BATCH:g} requests: ten messages in one"),
        Part("SQS: delete", JOBS_A_MONTH / BATCH * fair, "0.1 requests: ten messages in one"),
    )


_WRITTEN = (
    "input, and record with two index entries",
    "claim and finish, each with a move in by_state",
    "counters, and what was spent, in transactions",
)


def _dynamodb_parts(used: Used) -> tuple[Part, ...]:
    gb_months = (used.record_bytes * COMPLETED_KEPT_DAYS + used.input_bytes * INPUT_KEPT_DAYS) / 30 / prices.GB
    writes = (
        Part(
            f"DynamoDB: writes of {who}", JOBS_A_MONTH * units * prices.DYNAMODB_WRITE_UNIT, f"{units:g} units: {what}"
        )
        for (who, units), what in zip(used.write_units.items(), _WRITTEN, strict=True)
    )
    return (
        *writes,
        Part(
            "DynamoDB: reads", JOBS_A_MONTH * used.read_units * prices.DYNAMODB_READ_UNIT,
            f"{used.read_units:g} units: the caller's API key, remembered for 30 s",
        ),
        Part(
            "DynamoDB: storage", JOBS_A_MONTH * gb_months * prices.DYNAMODB_GB_MONTH,
            f"{used.record_bytes} B for {COMPLETED_KEPT_DAYS} days, {used.input_bytes} B for {INPUT_KEPT_DAYS}",
        ),
    )  # fmt: skip


def _key_parts() -> tuple[Part, ...]:
    windows = HOURS * 3600 / KMS_CACHE_S
    secret_reads = BUSY_WORKERS * windows
    requests = PRINCIPALS_AND_TABLES * windows + secret_reads
    return (
        Part(
            "KMS", requests * prices.KMS_REQUEST, f"{requests:,.0f} requests: tables' keys and a secret, kept for 5 min"
        ),
        Part("Secrets Manager", secret_reads * prices.SECRET_READ, f"{secret_reads:,.0f} reads, kept for 5 min"),
    )


def _log_parts(log_bytes: dict[str, float]) -> tuple[Part, ...]:
    return tuple(
        Part(f"Logs: {whose}", JOBS_A_MONTH * size / prices.GB * prices.LOG_GB, f"{size:.0f} B a job")
        for whose, size in log_bytes.items()
    )


def _metrics_part(metrics: int) -> Part:
    usd = metrics * prices.METRIC_MONTH * HOURS / HOURS_A_MONTH
    return Part("metrics", usd, f"{metrics} custom metrics, billed for the {HOURS:.0f} hours in which jobs run")


def _ingested(log: Log) -> float:
    lines = log.text.splitlines()
    return sum(len(line.encode()) + prices.LOG_EVENT_BYTES for line in lines)


def _access_log(requests: int) -> Log:
    """API Gateway's line for a submit, in the form that infra gives it."""
    line = json.dumps(
        {
            "request_id": "JKJaXmPLvHcESHA=",
            "time": "25/Nov/2026:03:42:19 +0000",
            "method": "POST",
            "path": "/api/jobs",
            "status": "202",
            "bytes": "612",
            "duration_ms": "41",
            "caller": "192.0.2.117",
            "error": "-",
        }
    )
    return Log(f"{line}\n" * requests)
