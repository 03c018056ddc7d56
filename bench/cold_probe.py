"""Run in a fresh process: starts one function as Lambda would, and prints what that took. Imports nothing of bench.

Usage: python -P cold_probe.py boto3|worker|api
"""

import sys
import time

_began, _began_cpu = time.perf_counter(), time.process_time()
SDKS = ("anthropic", "openai", "genai_prices", "httpx2")


def floor() -> None:
    """What any function that uses DynamoDB the usual way starts with."""
    import boto3

    boto3.client("dynamodb")


def worker() -> None:
    """A task's Lambda after init, with the DynamoDB client that its first claim needs."""
    import backstay.jobs.entry
    from backstay import aws

    assert callable(backstay.jobs.entry.handler)
    aws.dynamodb()


def api() -> None:
    """The API's Lambda after init, with its DynamoDB client."""
    import api.handler
    from backstay import aws

    assert callable(api.handler.handler)
    aws.dynamodb()


if __name__ == "__main__":
    {"boto3": floor, "worker": worker, "api": api}[sys.argv[1]]()
    seconds, cpu = time.perf_counter() - _began, time.process_time() - _began_cpu
    loaded = [name for name in SDKS if name in sys.modules]
    print(seconds, cpu, len(sys.modules), ",".join(loaded))
