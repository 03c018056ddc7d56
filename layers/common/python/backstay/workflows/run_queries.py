"""Finding runs: by index, newest first, at the same cost however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backstay.jobs import keys
from backstay.jobs.indexes import BY_STATE, BY_TENANT, Entry, Index, count, newest_first, oldest_first
from backstay.jobs.paging import Found, read_page
from backstay.settings import Environment
from backstay.workflows.catalog import Sagas
from backstay.workflows.run import RunRecord, RunState
from backstay.workflows.run_items import state_partition
from backstay.workflows.run_store import RunStore


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to list; None means any."""

    saga: str | None = None
    state: RunState | None = None
    tenant: str | None = None

    def admits(self, record: RunRecord) -> bool:
        """Whether a run is among them."""
        return (
            self.saga in (None, record.saga)
            and self.state in (None, record.state)
            and self.tenant in (None, record.tenant)
        )


class RunQueries:
    """Lists runs."""

    def __init__(self, env: Environment, sagas: Sagas) -> None:
        self._table, self._sagas, self._runs = env.workflows_table, sagas, RunStore(env.workflows_table)

    def list_runs(self, wanted: RunFilter, cursor: str | None = None, limit: int = 20) -> Found[RunRecord]:
        """Runs, newest first: by their start for one tenant, else by their last change of state.

        Raises:
            InvalidCursorError: the cursor is not one that a page brought.
            UnknownSagaError: the filter names a saga that there is not.
        """
        index, partitions = self._partitions(wanted)
        return read_page(
            lambda before, most: newest_first(self._table, index, partitions, before=before, limit=most),
            self._load,
            wanted.admits,
            cursor,
            limit,
        )

    def count(self, state: RunState, tenant: str | None, most: int) -> int:
        """How many runs are in a state, of one tenant or of all; `most` at most."""
        shards = range(keys.SHARDS)
        partitions = [state_partition(saga, state, shard) for saga in self._sagas.names for shard in shards]
        return count(self._table, BY_STATE, partitions, tenant=tenant, most=most)

    def oldest(
        self, saga: str, state: RunState, until: datetime, after: str | None, limit: int
    ) -> tuple[list[RunRecord], str | None]:
        """Runs that have been in a state since before a moment, the oldest first, and where to go on; None at the end.

        What waits stands in this order where its wait is over.
        """
        partitions = [state_partition(saga, state, shard) for shard in range(keys.SHARDS)]
        before = keys.stamp(until, "")
        entries = oldest_first(self._table, BY_STATE, partitions, after=after, before=before, limit=limit)
        found = self._runs.get_many(entry.id for entry in entries)
        return [record for record in found if record.state is state], (
            entries[-1].position if len(entries) == limit else None
        )

    def _load(self, entries: Sequence[Entry]) -> dict[str, RunRecord]:
        return {record.id: record for record in self._runs.get_many(entry.id for entry in entries)}

    def _partitions(self, wanted: RunFilter) -> tuple[Index, list[str]]:
        shards = range(keys.SHARDS)
        sagas = (self._sagas.get(wanted.saga).name,) if wanted.saga else self._sagas.names
        if wanted.tenant is not None:
            return BY_TENANT, [keys.tenant_key(wanted.tenant, shard) for shard in shards]
        states = (wanted.state,) if wanted.state else tuple(RunState)
        return BY_STATE, [state_partition(saga, state, shard) for saga in sagas for state in states for shard in shards]
