"""Whose run it is."""

from backstay.errors import Rejected
from backstay.running import Job


def own_run(run_id: str | None, job: Job) -> str:
    """The run that a job works for; one that names none is a run of its own.

    Raises:
        Rejected: the run is another tenant's.
    """
    if run_id is None:
        return job.id
    if run_id.split(".", 1)[0] != job.tenant:
        raise Rejected(f"run {run_id} is unknown to tenant {job.tenant}")
    return run_id
