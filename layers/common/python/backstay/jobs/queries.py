"""Reading jobs: by key or by index, newest first, at the same cost however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from backstay.catalog import Catalog
from backstay.jobs import keys
from backstay.jobs.indexes import BY_STATE, BY_TENANT, Entry, Index, newest_first
from backstay.jobs.items import STATE_PART
from backstay.jobs.paging import read_page
from backstay.jobs.payloads import PayloadBucket
from backstay.jobs.record import JobRecord, State
from backstay.jobs.results import Results
from backstay.jobs.store import JobStore
from backstay.settings import Environment


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs to list; None means any."""

    task: str | None = None
    state: State | None = None
    tenant: str | None = None

    def admits(self, record: JobRecord) -> bool:
        """Whether a record is among them."""
        return (
            self.task in (None, record.task)
            and self.state in (None, record.state)
            and self.tenant in (None, record.tenant)
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs, and where the next page begins; no cursor, no next page."""

    jobs: tuple[JobRecord, ...]
    cursor: str | None


class JobQueries:
    """Every way to read jobs."""

    def __init__(self, env: Environment, catalog: Catalog) -> None:
        self._table, self._catalog = env.jobs_table, catalog
        self._store, self._bucket = JobStore(env.jobs_table), PayloadBucket(env.payloads_bucket)
        self._results = Results(env)

    def get(self, job_id: str) -> JobRecord | None:
        """A job by its id, or None."""
        return self._store.get(job_id) if keys.is_job_id(job_id) else None

    def result_text(self, record: JobRecord) -> str | None:
        """A result's JSON text, or None for a job without one.

        Raises:
            MissingPayloadError: it is past its retention.
        """
        return self._results.text(record)

    def result_link(self, record: JobRecord) -> str | None:
        """A URL that reads a result in S3 for an hour, or None for a smaller one."""
        return self._bucket.link(record.result.s3_key) if record.result and record.result.s3_key else None

    def list_jobs(self, wanted: Filter, cursor: str | None = None, limit: int = 20) -> Page:
        """Jobs, newest first: by creation for one tenant, else by the last change of state (delayed ones by due time).

        Raises:
            InvalidCursorError: the cursor is not one that a page brought.
            UnknownTaskError: the filter names a task that there is not.
        """
        index, partitions = self._partitions(wanted)
        found = read_page(
            lambda before, most: newest_first(self._table, index, partitions, before=before, limit=most),
            self._load,
            wanted.admits,
            cursor,
            limit,
        )
        return Page(found.entries, found.cursor)

    def _load(self, entries: Sequence[Entry]) -> dict[str, JobRecord]:
        ids = [entry.id for entry in entries if entry.part == STATE_PART]  # a tenant's lanes stand there too
        return {record.id: record for record in self._store.get_many(ids)}

    def _partitions(self, wanted: Filter) -> tuple[Index, list[str]]:
        shards = range(keys.SHARDS)
        if wanted.tenant is not None:
            return BY_TENANT, [keys.tenant_key(wanted.tenant, shard) for shard in shards]
        tasks = (self._catalog.get(wanted.task).name,) if wanted.task else self._catalog.names
        states = (wanted.state,) if wanted.state else tuple(State)
        return BY_STATE, [keys.state_key(task, state, shard) for task in tasks for state in states for shard in shards]
