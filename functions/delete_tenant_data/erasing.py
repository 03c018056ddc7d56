"""Erases a tenant portion by portion: first what lets new data in, then the data, last what is derived from them."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from pydantic import BaseModel, ConfigDict

from backstay.access.key_store import KeyStore, UnknownKeyError
from backstay.access.webhook_secrets import WebhookSecrets
from backstay.chats.table import ChatTable
from backstay.clock import Clock, utc_now
from backstay.content import ContentTable
from backstay.costs.book import CostBook
from backstay.errors import GoesOn, Rejected
from backstay.jobs.keys import SYSTEM_TENANT
from backstay.jobs.payloads import PayloadBucket
from backstay.jobs.store import JobStore
from backstay.jobs.tenant_data import RUNNING, TenantData
from backstay.running import Job
from backstay.settings import Environment
from backstay.workflows.tenant_runs import TenantRuns

from .task import Deleted, Departure

CHECKPOINT = "checkpoint"
"""Part of the deletion's own job in the jobs table."""

_MARGIN_S = 20.0
_AT_ONCE_S = 1.0
_FOR_RUNNING_S = 15.0
_FOR_STRAGGLERS = timedelta(seconds=30)
"""Within this a job that just ended has told others, the stream has counted it, and the indexes have followed."""

_KEPT = timedelta(days=30)
_COUNTED_AS = {"job": "jobs", "lane": "lanes", "message": "messages"}
_PREFIXES = ("inputs", "results", "steps", "uploads")


class Progress(BaseModel):
    """Where a deletion stands; kept beside its job between portions."""

    model_config = ConfigDict(frozen=True)

    deleted: Deleted = Deleted()
    clean_since: datetime | None = None
    """Since when portions have found nothing at all."""

    @property
    def note(self) -> str:
        """For people."""
        counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in self.deleted if count)
        return f"deleted {counts or 'nothing yet'}"

    def with_more(self, found: Counter[str]) -> "Progress":
        """So much more is deleted."""
        counts = {name: count + found[name] for name, count in self.deleted}
        return Progress(deleted=Deleted(**counts), clean_since=self.clean_since)


class Eraser:
    """Does the work of the jobs of `delete-tenant-data`."""

    def __init__(self, env: Environment, clock: Clock = utc_now) -> None:
        self._env, self._clock = env, clock
        self._store, self._bucket = JobStore(env.jobs_table), PayloadBucket(env.payloads_bucket)
        self._content, self._chats = ContentTable(env.content_table), ChatTable(env.chats_table)
        self._keys = KeyStore(env.keys_table, WebhookSecrets(env.secret_prefix, clock), clock)

    @classmethod
    def of_this_function(cls) -> "Eraser":
        """With the environment of the Lambda that this runs in."""
        return cls(Environment.read())

    def erase(self, departure: Departure, job: Job) -> Deleted:
        """Erase one portion.

        Raises:
            GoesOn: there is more, or may be more in a moment.
            Cancelled: somebody stopped it; what is erased stays so.
            Rejected: the job is not Backstay's own, or would delete itself.
        """
        if job.tenant != SYSTEM_TENANT or departure.tenant == SYSTEM_TENANT:
            raise Rejected(f"a job of tenant {job.tenant!r} can't delete the data of {departure.tenant!r}")
        portion = _Portion(job, self._read(job))
        running = self._erase_some(departure.tenant, portion)
        return self._go_on(departure.tenant, portion, running=running)

    def _erase_some(self, tenant: str, portion: "_Portion") -> int:
        """What lets new data in comes first. Answers how many jobs are still being run."""
        data = TenantData(self._env, tenant, self._clock)
        data.announce()
        portion.count("api_keys", self._revoke_keys(tenant))
        runs = TenantRuns(self._env, tenant, self._clock)
        portion.repeat("runs", runs.erase_some)
        running = self._erase_jobs(data, portion)
        portion.repeat("contents", partial(self._content.delete_some, tenant))
        portion.repeat("chats", partial(self._chats.delete_some, tenant))
        for prefix in _PREFIXES:
            portion.repeat("payloads", partial(self._bucket.delete_some, f"{prefix}/{tenant}/"))
        return running

    def _erase_jobs(self, data: TenantData, portion: "_Portion") -> int:
        position, running = None, 0
        while portion.has_time():
            page = data.erase_page(position)
            running += page.outcomes[RUNNING]
            for outcome, name in _COUNTED_AS.items():
                portion.count(name, page.outcomes[outcome])
            position = page.position
            if position is None:
                return running
        return running

    def _go_on(self, tenant: str, portion: "_Portion", *, running: int) -> Deleted:
        now = self._clock()
        progress = portion.progress
        is_clean = not portion.has_found and not portion.is_cut_short and not running
        if is_clean and progress.clean_since and now - progress.clean_since >= _FOR_STRAGGLERS:
            TenantData(self._env, tenant, self._clock).erase_counters()
            TenantRuns(self._env, tenant, self._clock).erase_statistics()
            CostBook(self._env.jobs_table).forget_tenant(tenant, now)
            return progress.deleted
        since = (progress.clean_since or now) if is_clean else None
        self._write(portion.job, progress.model_copy(update={"clean_since": since}))
        if is_clean:
            raise GoesOn(f"{progress.note}; looking for stragglers", after_s=_FOR_STRAGGLERS.total_seconds() + 1)
        if running:
            raise GoesOn(f"{progress.note}; {running} jobs are still being run", after_s=_FOR_RUNNING_S)
        raise GoesOn(progress.note, after_s=_AT_ONCE_S)

    def _revoke_keys(self, tenant: str) -> int:
        revoked = 0
        for key in self._keys.list():
            if key.tenant == tenant and key.revoked_at is None:
                try:
                    self._keys.revoke(key.key_id)
                except UnknownKeyError:
                    continue  # somebody else has revoked it since
                revoked += 1
        return revoked

    def _read(self, job: Job) -> Progress:
        text = self._store.get_text(job.id, CHECKPOINT)
        return Progress.model_validate_json(text) if text else Progress()

    def _write(self, job: Job, progress: Progress) -> None:
        self._store.put_text(job.id, CHECKPOINT, progress.model_dump_json(), self._clock() + _KEPT)


class _Portion:
    """What one run of the job gets done."""

    def __init__(self, job: Job, progress: Progress) -> None:
        self.job, self.progress = job, progress
        self.has_found = self.is_cut_short = False

    def has_time(self) -> bool:
        """Whether there is time for more. A safe point."""
        self.job.progress(0, self.progress.note)
        self.is_cut_short = self.job.remaining_s < _MARGIN_S
        return not self.is_cut_short

    def count(self, name: str, found: int) -> None:
        """Add what was deleted."""
        if found:
            self.has_found = True
            self.progress = self.progress.with_more(Counter({name: found}))

    def repeat(self, name: str, delete_some: Callable[[], int]) -> None:
        """Delete until nothing is left, or no time."""
        while self.has_time() and (found := delete_some()):
            self.count(name, found)
