"""When a job has been still for too long, so that its message may be lost. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backstay.jobs.record import JobRecord, State

LONGEST_SPACING = timedelta(hours=6)
"""However often a job's message was sent again, the next time comes after so long."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a job may stay in a state."""

    state: State
    longest: timedelta
    """Counted from when the job should have left the state: since it waits, since it was due, since its lease ended."""

    def horizon(self, now: datetime, lease: timedelta) -> datetime:
        """The index position before which a job may be overdue; the index holds active jobs by the time of their claim.

        Args:
            now: UTC.
            lease: of the task's claims.
        """
        return now - self.longest - (lease if self.state is State.ACTIVE else timedelta(0))

    def is_overdue(self, record: JobRecord, now: datetime) -> bool:
        """Whether the job's message is to be sent again.

        Each time doubles the wait for the next, since most jobs that wait long stand in an honest backlog.
        """
        if record.state is not self.state:
            return False
        if record.resent_at is None:
            return now >= _should_have_left(record) + self.longest
        return now >= record.resent_at + min(LONGEST_SPACING, self.longest * 2.0 ** min(record.resends, 16))


PATIENCE = (
    Patience(State.ACTIVE, timedelta(minutes=5)),
    Patience(State.DELAYED, timedelta(minutes=5)),
    Patience(State.WAITING, timedelta(minutes=15)),
)
"""In the order in which the sweeper looks: jobs that were under way first."""


def _should_have_left(record: JobRecord) -> datetime:
    """When the job was ready to go on; one that waits for a retry is so at the end of its backoff."""
    return max(filter(None, (record.changed_at, record.due_at, record.lease_until)))
