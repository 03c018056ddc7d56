"""What Step Functions tells of runs, as it comes; and every few minutes a look for what it has not told."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from backstay import config
from backstay.errors import BackstayError
from backstay.settings import Environment
from backstay.telemetry import Metric, emit, logger
from backstay.workflows.catalog import sagas
from backstay.workflows.run import RunRecord, RunState
from backstay.workflows.status_events import StatusEvents

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from backstay.live.telling import Teller
    from backstay.workflows.announcements import Announcements
    from backstay.workflows.watching import Watcher

STATUS_EVENT = "Step Functions Execution Status Change"

_FAILED = {
    RunState.COMPLETED: 0,
    RunState.FAILED: 100,
    RunState.COMPENSATED: 100,
    RunState.COMPENSATION_FAILED: 100,
}
"""The average over runs is the part that fails, in percent. Runs that somebody called off say nothing."""

_MARGIN_MS = 5_000
"""What is kept of the Lambda's time to finish what was begun."""


class WatchError(BackstayError):
    """Some runs could not be looked at. The others were, and the next round looks at all again."""


def handler(event: Mapping[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Take in one event, or look once; answers what came of it, which also stands in the log.

    Raises:
        WatchError: names the runs that could not be looked at, and why.
    """
    if event.get("detail-type") == STATUS_EVENT:
        record = _events().take(event["detail"])
        if record and record.state in _FAILED:
            emit([Metric("RunFailed", _FAILED[record.state], "Percent")], {"Saga": record.saga}, {"run_id": record.id})
        if record:
            _tell_watchers(record)
        return {"run_id": record.id, "state": str(record.state)} if record else {}
    done = _watcher().look(lambda: context.get_remaining_time_in_millis() < _MARGIN_MS)
    found = {"looked_at": done.looked_at, "stuck": [record.id for record in done.stuck]}
    if done.looked_at:
        logger().info("watched", found=found, is_cut_short=done.is_cut_short)
    if done.troubles:
        raise WatchError("; ".join(f"{run_id}: {trouble}" for run_id, trouble in done.troubles.items()))
    return found


def _tell_watchers(record: RunRecord) -> None:
    from backstay.live.changes import Changes

    _teller().tell(lambda: {record.tenant: Changes(runs=frozenset({record.id}))})


def _tell_of_stuck(record: RunRecord) -> None:
    emit([Metric("RunsStuck", 1)], {"Saga": record.saga}, {"run_id": record.id})
    _announcements().stuck(record)


def _tell_of_undone_in_part(record: RunRecord) -> None:
    emit([Metric("RunsCompensationFailed", 1)], {"Saga": record.saga}, {"run_id": record.id})
    _announcements().undone_in_part(record)


def _announcements() -> "Announcements":
    from backstay.workflows.announcements import Announcements

    return Announcements(Environment.read().stage)


@cache
def _teller() -> "Teller":
    from backstay.live.telling import Teller

    return Teller(Environment.read())


@cache
def _events() -> StatusEvents:
    jobs = config.load().jobs
    keep_completed, keep_failed = timedelta(days=jobs.keep_completed_days), timedelta(days=jobs.keep_failed_days)
    return StatusEvents(Environment.read(), sagas(), keep_completed, keep_failed, _tell_of_undone_in_part)


@cache
def _watcher() -> "Watcher":
    from backstay.workflows.watching import Watcher

    return Watcher(Environment.read(), sagas(), _events(), _tell_of_stuck)
