"""What Step Functions is told of a step's job: how it ended."""

import json
from collections.abc import Callable, Iterable, Mapping
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
        return send_failure(step.token, error, cause)

    def _tell_end(self, record: JobRecord, step: Step) -> bool:
        if record.state is State.COMPLETED:
            return send_success(step.token, {"job_id": record.id, "facts": self._facts(record, step)})
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
        return facts_of(document, step.facts)


def facts_of(document: Any, paths: Iterable[str]) -> dict[str, Any]:
    """What a run may decide by, under names that JSONPath can read: paths with `_` for dots."""
    return {path.replace(".", "_"): fact(document, path) for path in paths}


def fact(document: Any, path: str) -> Any:
    """A field of a result that a run may decide by; None for one that isn't there, is no scalar, or is too long."""
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    is_scalar = isinstance(document, str | int | float)
    return document if is_scalar and len(json.dumps(document)) <= LONGEST_FACT_BYTES else None


def send_success(token: str, output: Mapping[str, Any]) -> bool:
    """Tell the state that waits with a token that what it waits for is done; answers whether one did."""
    sfn = aws.stepfunctions()
    return _hears(lambda: sfn.send_task_success(taskToken=token, output=json.dumps(output)))


def send_failure(token: str, error: str, cause: str) -> bool:
    """Tell the state that waits with a token that it waits in vain; answers whether one did."""
    sfn = aws.stepfunctions()
    return _hears(lambda: sfn.send_task_failure(taskToken=token, error=error, cause=cause[:_LONGEST_CAUSE]))


def _hears(say: Callable[[], object]) -> bool:
    from botocore.exceptions import ClientError

    try:
        say()
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOBODY_WAITS:
            raise
        logger().info("nobody waits with this token any more")
        return False
    return True
