"""Jobs that wait for a budget, and waking them once there is money again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from backstay.catalog import Catalog
from backstay.clock import Clock, utc_now
from backstay.jobs import keys
from backstay.jobs.indexes import BY_BUDGET, Entry, oldest_first
from backstay.jobs.payloads import MissingPayloadError
from backstay.jobs.queues import Queues
from backstay.jobs.record import JobRecord
from backstay.jobs.store import JobStore, LostLeaseError
from backstay.jobs.submit import Submitter
from backstay.settings import Environment

WAKE_TASK = "wake-parked-jobs"

_THREADS = 8


@dataclass(frozen=True, slots=True)
class Woken:
    """What one look along the index has done."""

    jobs: int
    position: str | None
    """Where to go on; None at the end."""


class ParkedJobs:
    """Finds and wakes jobs by the budget that they wait for, such as `tenant:acme daily`."""

    def __init__(self, env: Environment, catalog: Catalog, clock: Clock = utc_now) -> None:
        self._store, self._submitter = JobStore(env.jobs_table), Submitter(env, catalog, clock)
        self._queues, self._clock = Queues(env, clock), clock

    def are_there(self, budget: str) -> bool:
        """Whether any job waits for it."""
        return bool(self._entries(budget, None, 1))

    def wake(self, budget: str, parked_before: datetime, after: str | None, most: int) -> Woken:
        """Let jobs go on, those first that would be due first.

        Args:
            budget: what they wait for.
            parked_before: jobs that were parked since stay: they have been refused again.
            after: where an earlier look stopped.
            most: look at so many.
        """
        entries = self._entries(budget, after, most)
        records = [
            record
            for record in self._store.get_many(entry.id for entry in entries)
            if record.budget == budget and record.changed_at < parked_before
        ]
        with ThreadPoolExecutor(max_workers=max(1, min(_THREADS, len(records)))) as threads:
            woken = sum(threads.map(self._wake, records))
        return Woken(woken, entries[-1].position if len(entries) == most else None)

    def _wake(self, record: JobRecord) -> bool:
        """Written first, then sent: what dies between, the sweep sends."""
        woken = record.woken(self._clock())
        try:
            self._store.save(record, woken)
            self._queues.unschedule(record)
            self._submitter.send_again(woken)
        except LostLeaseError:
            return False  # it has gone on by itself, or was cancelled
        except MissingPayloadError:
            return False  # the sweep sends it, and the worker says what is missing
        return True

    def _entries(self, budget: str, after: str | None, most: int) -> list[Entry]:
        partitions = [keys.budget_key(budget, shard) for shard in range(keys.SHARDS)]
        return oldest_first(self._store.table, BY_BUDGET, partitions, after=after, limit=most)
