"""What Step Functions is told of a step's job: how it ended."""

import json
from collections.abc import Callable
from typing import Any

from backstay import aws
from backstay.jobs.payloads import MissingPayloadError
from backstay.jobs.record import JobRecord, State
from backstay.jobs.results import Results
from backstay.jobs.step import Step
from backstay.jobs.store import JobStore
from backstay.settings import Environment
from backstay.telemetry import logger

LONGEST_FACT_BYTES = 1_000
"""A fact travels in the run's state from then on, and all of that must stay small."""

_LONGEST_CAUSE = 2_000
_NOBODY_WAITS = frozenset({"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"})


class TaskTokens:
    """Speaks to the states that wait for jobs. All of it may be repeated: who has heard before waits no more."""

    def __init__(self, env: Environment) -> None:
        self._store, self._results = JobStore(env.jobs_table), Results(env)

    def tell_end(self, record: JobRecord) -> None:
        """Tell how a job has ended whoever waits for it; nothing happens where nobody does any more."""
        step, told = record.step, None
        while step and step != told:
            if self._tell_end(record, step):
                return
            told, step = step, self._newest(record)

    def tell_failure(self, step: Step, error: str, cause: str) -> bool:
        """Tell who waits that nothing will come; answers whether somebody did wait."""
        sfn = aws.stepfunctions()
        return _hears(
            step, lambda: sfn.send_task_failure(taskToken=step.token, error=error, cause=cause[:_LONGEST_CAUSE])
        )

    def _tell_end(self, record: JobRecord, step: Step) -> bool:
        if record.state is State.COMPLETED:
            sfn = aws.stepfunctions()
            output = json.dumps({"job_id": record.id, "facts": self._facts(record, step)})
            return _hears(step, lambda: sfn.send_task_success(taskToken=step.token, output=output))
        error, cause = "cancelled", f"job {record.id} was cancelled"
        if record.state is State.FAILED and record.error:
            error, cause = str(record.error.error_class), record.error.message
        return self.tell_failure(step, error, cause)

    def _newest(self, record: JobRecord) -> Step | None:
        """Who waits by now; a redrive may have come since the record was read."""
        now_stands = self._store.get(record.id)
        return now_stands.step if now_stands and now_stands.state is record.state else None

    def _facts(self, record: JobRecord, step: Step) -> dict[str, Any]:
        if not step.facts:
            return {}
        try:
            document = json.loads(self._results.text(record) or "{}")
        except MissingPayloadError:
            document = {}  # told again after its retention; the run took note of the facts when it was told first
        return {path.replace(".", "_"): fact(document, path) for path in step.facts}  # names that JSONPath can read


def fact(document: Any, path: str) -> Any:
    """A field of a result that a run may decide by; None for one that isn't there, is no scalar, or is too long."""
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    is_scalar = isinstance(document, str | int | float)
    return document if is_scalar and len(json.dumps(document)) <= LONGEST_FACT_BYTES else None


def _hears(step: Step, say: Callable[[], object]) -> bool:
    """Say it; answers whether somebody waits for it."""
    from botocore.exceptions import ClientError

    try:
        say()
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOBODY_WAITS:
            raise
        logger().info("nobody waits for this step any more", run_id=step.run_id, step=step.name)
        return False
    return True
