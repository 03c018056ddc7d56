"""Erasing what the workflows table holds of one tenant: its runs with all their parts, and its statistics."""

from datetime import timedelta

from backstay.clock import Clock, utc_now
from backstay.jobs import keys
from backstay.jobs.indexes import BY_TENANT, oldest_first
from backstay.settings import Environment
from backstay.workflows.executions import Executions
from backstay.workflows.run import Outcome, RunState
from backstay.workflows.run_store import RunStore

_PAGE = 50
_BRIEFLY = timedelta(days=1)  # a record that is ended only to be erased


class TenantRuns:
    """One tenant's part of the workflows table."""

    def __init__(self, env: Environment, tenant: str, clock: Clock = utc_now) -> None:
        self._table, self._tenant, self._clock = env.workflows_table, tenant, clock
        self._runs, self._executions = RunStore(env.workflows_table), Executions(env)

    def erase_some(self) -> int:
        """Stop and erase the next few runs; answers how many. Nothing is undone: what would be, is erased too."""
        partitions = [keys.tenant_key(self._tenant, shard) for shard in range(keys.SHARDS)]
        entries = oldest_first(self._table, BY_TENANT, partitions, limit=_PAGE)
        return sum(self._erase(entry.id) for entry in entries)

    def erase_statistics(self) -> None:
        """Last of all; what the tenant did stays in its sagas' totals."""
        self._runs.forget_tenant(self._tenant)

    def _erase(self, run_id: str) -> bool:
        """Whether there was one: the index shows it a moment longer."""
        record = self._runs.get(run_id)
        if record and not record.state.is_end:
            self._executions.stop(record, record.execution, "the tenant's data are deleted")
            outcome = Outcome(_BRIEFLY, _BRIEFLY, "aborted", "the tenant's data were deleted")
            self._runs.change(
                run_id,
                lambda now_stands: now_stands.ended(now_stands.execution, RunState.ABORTED, self._clock(), outcome),
            )
        return self._runs.delete_all(run_id) > 0
