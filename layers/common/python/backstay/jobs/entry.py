"""The handler of every task's Lambda. Which task it is, its environment says; the worker is made at init."""

import os
from typing import TYPE_CHECKING

from backstay.cold_start import uncollected

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from backstay.jobs.message import StepMessage
    from backstay.jobs.record import JobRecord
    from backstay.jobs.worker import Worker
    from backstay.settings import Environment


class _StepInputs:
    """Those of runs; what they need is imported at the first step, since most jobs are none."""

    def __init__(self, env: "Environment") -> None:
        self._env = env

    def resolve(self, message: "StepMessage", answered: "Mapping[str, JobRecord]") -> "Mapping[str, Any]":
        from backstay.workflows.step_inputs import StepInputsOfRuns

        return StepInputsOfRuns(self._env).resolve(message, answered)


def _worker() -> "Worker":
    from pathlib import Path

    from backstay import aws, config
    from backstay.alerts.rules import rules
    from backstay.catalog import Catalog
    from backstay.jobs.endings import Retention
    from backstay.jobs.strain import Strain
    from backstay.jobs.worker import Worker
    from backstay.settings import Environment
    from backstay.telemetry import name_subject_in_all_logs

    name_subject_in_all_logs()
    aws.dynamodb()  # made here, where a Lambda has its most CPU: every job needs it
    catalog = Catalog(Path(os.environ["LAMBDA_TASK_ROOT"]))
    retention = Retention.of_settings(config.load().jobs)
    env = Environment.read()
    task = catalog.get(os.environ["BACKSTAY_TASK"])
    strain = Strain(rules(config.load().alerts), task.limits.memory_mb)
    return Worker(env, catalog, task, retention, step_inputs=_StepInputs(env), strain=strain)


with uncollected():
    handler = _worker().handle
