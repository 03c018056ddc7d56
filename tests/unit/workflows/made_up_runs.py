"""A run that has just begun."""

from datetime import UTC, datetime

from backstay.workflows.run import RunRecord, RunState, run_id

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
RUN = RunRecord(
    id=run_id("acme", "launch", "k"),
    saga="launch",
    state=RunState.RUNNING,
    key="k",
    input_digest="d",
    started_at=NOW,
    changed_at=NOW,
    begun_at=NOW,
)
