"""Every five minutes: jobs that wait without a message, leases that lapsed, dead letters that SQS made by itself."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from backstay import config
from backstay.budgets.gauges import emit_gauges, gauged_scopes
from backstay.budgets.lapsed import LapsedLeases, Settled
from backstay.budgets.standing import Standing
from backstay.catalog import Catalog
from backstay.errors import BackstayError
from backstay.jobs.endings import Retention
from backstay.jobs.store import JobStore
from backstay.jobs.sweep import Sweeper
from backstay.receipt import Receipt
from backstay.settings import Environment
from backstay.telemetry import Metric, emit, logger


class SweepError(BackstayError):
    """Some tasks could not be swept. The others were, and the next sweep tries all again."""


_MARGIN_MS = 5_000
"""What is kept of the Lambda's time to finish what was begun."""


def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Sweep once; answers what was done, which also stands in the log and the metrics.

    Raises:
        SweepError: names the tasks that could not be swept, and why.
    """

    def time_is_up() -> bool:
        return context.get_remaining_time_in_millis() < _MARGIN_MS

    settled = _lapsed_leases().settle(time_is_up)
    if settled != Settled():
        emit((Metric(f"BudgetCalls{_in_camels(name)}", count) for name, count in asdict(settled).items()), {})
    swept = _sweeper().sweep(time_is_up)
    for task, counts in swept.done.items():
        emit((Metric(f"Swept{_in_camels(name)}", count) for name, count in counts.items()), {"Task": task})
    done = {task: dict(counts) for task, counts in swept.done.items()}
    if done or swept.left_out or settled != Settled():
        logger().info("swept", done=done, left_out=swept.left_out, money=asdict(settled))
    try:  # last, so that a budget which can't be read holds up no job
        emit_gauges(_standing().read(gauged_scopes(config.load())))  # so that windows which have turned are told of too
    finally:
        if swept.troubles:
            raise SweepError("; ".join(f"{task}: {trouble}" for task, trouble in swept.troubles.items()))
    return {"done": done, "left_out": list(swept.left_out), "money": asdict(settled)}


def _in_camels(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


@cache
def _sweeper() -> Sweeper:
    retention = Retention.of_settings(config.load().jobs)
    return Sweeper(Environment.read(), Catalog(Path(os.environ["LAMBDA_TASK_ROOT"])), retention)


@cache
def _lapsed_leases() -> LapsedLeases:
    env = Environment.read()
    jobs = JobStore(env.jobs_table)

    def receipt_of(job_id: str) -> Receipt | None:
        record = jobs.get(job_id)
        return record.receipt if record else None

    return LapsedLeases(env.guards_table, receipt_of)


@cache
def _standing() -> Standing:
    return Standing(config.load().budgets, Environment.read().guards_table)
