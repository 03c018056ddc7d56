"""Takes in what Step Functions tells of executions: twice, late and out of order, it comes to the same."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from backstay.clock import Clock, from_epoch_ms, utc_now
from backstay.settings import Environment
from backstay.telemetry import logger
from backstay.workflows.catalog import Sagas
from backstay.workflows.executions import Execution
from backstay.workflows.launching import Launcher
from backstay.workflows.run import Outcome, RunRecord, RunState, end_of, of_execution_name
from backstay.workflows.run_store import RunStore

RUNNING = "RUNNING"


class StatusEvents:
    """Brings records of runs up to date with their executions.

    Args:
        env: what the stack tells.
        sagas: those that are deployed.
        keep_completed: how long a completed run is kept.
        keep_failed: how long any other is.
        tell: tells people of a run that needs one: not all of what it had done could be undone.
        clock: UTC.
    """

    def __init__(
        self,
        env: Environment,
        sagas: Sagas,
        keep_completed: timedelta,
        keep_failed: timedelta,
        tell: Callable[[RunRecord], None],
        clock: Clock = utc_now,
    ) -> None:
        self._sagas, self._tell, self._clock = sagas, tell, clock
        self._keep = Outcome(keep_completed, keep_failed)
        self._runs, self._launcher = RunStore(env.workflows_table), Launcher(env, sagas, clock)

    def take(self, detail: Mapping[str, Any]) -> RunRecord | None:
        """Take in one status event; answers the run as it stands then, None where the execution is no run's.

        Args:
            detail: of the event, as EventBridge brings it.
        """
        named = of_execution_name(detail["name"])
        if named is None:
            return None  # somebody has started the state machine by hand
        stopped_at = from_epoch_ms(detail["stopDate"]) if detail.get("stopDate") else None
        found = Execution(detail["status"], stopped_at, detail.get("error"), detail.get("cause"))
        return self.take_in(*named, found)

    def take_in(self, run_id: str, execution: int, found: Execution) -> RunRecord | None:
        """Take in how an execution of a run stands."""
        if found.status == RUNNING:
            return self._runs.change(run_id, lambda record: record.began(execution))
        at = found.stopped_at or self._clock()
        record = self._runs.change(run_id, lambda record: self._ended(record, execution, found, at))
        if record is None:
            logger().warning("an execution ended whose run is not on record", run_id=run_id, execution=execution)
        elif record.state.is_end:
            self._runs.let_parts_expire(run_id, record.expires_at)
            if record.state is RunState.COMPENSATION_FAILED and record.execution == execution:
                self._tell(record)  # again where Step Functions tells again: twice is better than never
        elif record.execution > record.confirmed and self._sagas.find(record.saga):
            self._launcher.launch(record)
        return record

    def _ended(self, record: RunRecord, execution: int, found: Execution, at: datetime) -> RunRecord:
        end = end_of(found.status, found.error)
        if end is None:
            broken = replace(self._keep, error=found.error or found.status, cause=found.cause)
            return record.broke(execution, at, broken)
        outcome = replace(self._keep, error=found.error, cause=found.cause)
        return record.ended(execution, end, at, outcome)
