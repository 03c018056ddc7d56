"""Jobs' results, wherever their size has put them."""

from backstay.jobs.payloads import PayloadBucket
from backstay.jobs.record import JobRecord
from backstay.jobs.store import RESULT_PART, JobStore
from backstay.settings import Environment


class Results:
    """Reads results."""

    def __init__(self, env: Environment) -> None:
        self._store, self._bucket = JobStore(env.jobs_table), PayloadBucket(env.payloads_bucket)

    def text(self, record: JobRecord) -> str | None:
        """A result's JSON text, or None for a job without one.

        Raises:
            MissingPayloadError: it is past its retention.
        """
        if record.result is None:
            return None
        if record.result.inline is not None:
            return record.result.inline
        if record.result.s3_key:
            return self._bucket.get(record.result.s3_key)
        return self._store.get_text(record.id, f"{RESULT_PART}#{record.fence}")
