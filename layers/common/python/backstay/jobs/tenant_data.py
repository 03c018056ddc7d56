"""Erasing what the jobs table holds of one tenant: its jobs with all their parts, its lanes, messages and counters."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from backstay.clock import Clock
from backstay.jobs import keys
from backstay.jobs.counter_store import CounterStore
from backstay.jobs.departures import Departures
from backstay.jobs.indexes import BY_TENANT, Entry, oldest_first
from backstay.jobs.items import STATE_PART
from backstay.jobs.queues import Queues
from backstay.jobs.record import JobRecord, State
from backstay.jobs.store import JobStore, LostLeaseError
from backstay.settings import Environment

RUNNING = "running"
"""Outcome of a job that can't be erased yet: a worker runs it. It is asked to stop."""

_PAGE = 50
_THREADS = 8
_BRIEFLY = timedelta(days=1)  # a record that is cancelled only to be erased


@dataclass(frozen=True, slots=True)
class Erased:
    """What one page of the index came to."""

    outcomes: Counter[str]
    """How many by what they were: `job`, `lane`, `message`, or `running`, which stay."""
    position: str | None
    """Where to go on; None at the end."""


class TenantData:
    """One tenant's part of the jobs table."""

    def __init__(self, env: Environment, tenant: str, clock: Clock) -> None:
        self._env, self._tenant, self._clock = env, tenant, clock
        self._store, self._queues = JobStore(env.jobs_table), Queues(env, clock)

    def announce(self) -> None:
        """Before anything is erased: messages that are still in queues shall not bring anything back."""
        Departures(self._env.jobs_table).note(self._tenant, self._clock())

    def erase_page(self, position: str | None) -> Erased:
        """Erase the next few entries of the tenant's index. What a worker runs is asked to stop, and stays."""
        partitions = [keys.tenant_key(self._tenant, shard) for shard in range(keys.SHARDS)]
        entries = oldest_first(self._env.jobs_table, BY_TENANT, partitions, after=position, limit=_PAGE)
        with ThreadPoolExecutor(max_workers=_THREADS) as threads:
            outcomes = Counter(outcome for outcome in threads.map(self._erase, entries) if outcome)
        return Erased(outcomes, entries[-1].position if len(entries) == _PAGE else None)

    def erase_counters(self) -> None:
        """Last of all, when the stream has counted what was erased."""
        CounterStore(self._env.jobs_table).forget_tenant(self._tenant)

    def _erase(self, entry: Entry) -> str | None:
        """What was erased; None for an entry that the index shows a moment longer than what it stands for."""
        if entry.part != STATE_PART:
            name = "lane" if ".lane-" in entry.id else "message"
            return name if self._store.delete_all(entry.id) else None
        record = self._store.get(entry.id)
        try:
            if record is not None and not self._is_still(record):
                return RUNNING
        except LostLeaseError:
            return RUNNING  # it moved under our hands; the next pass sees where it went
        return "job" if self._store.delete_all(entry.id) else None

    def _is_still(self, record: JobRecord) -> bool:
        """Whether nobody runs the job, or will: one that waits is called off, without telling anybody.

        Raises:
            LostLeaseError: somebody changed it meanwhile.
        """
        now = self._clock()
        if record.state is State.ACTIVE and not record.lease_lapsed(now):
            if not record.cancel_requested:
                self._store.save(record, record.cancel_asked())
            return False
        if record.state is State.DELAYED:
            self._queues.unschedule(record)
        if not record.state.is_terminal:
            self._store.save(record, record.cancelled(now, _BRIEFLY))
        return True
