"""What people should hear of runs: alerts like all others."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from backstay.alerts.announcing import announce
from backstay.alerts.occurrence import Kind, Occurrence, Severity
from backstay.clock import from_iso, iso
from backstay.workflows.news import APPROVAL_NEEDED, COMPENSATION_FAILED, STUCK
from backstay.workflows.run import RunRecord, Wait


class Announcements:
    """Tells of the runs of one stage. All of it raises `UnannouncedError` where EventBridge did not take the event.

    It all begins when it began, and not when it is told: what comes after word of its end (`backstay.workflows.news`)
    is known to be over.
    """

    def __init__(self, stage: str) -> None:
        self._stage = stage

    def stuck(self, record: RunRecord) -> None:
        """A run takes too long."""
        stuck = record.stuck
        if stuck is None:
            raise ValueError(f"run {record.id} is not stuck")
        what = f"step {stuck.step!r}" if stuck.step else "it"
        text = (
            f"Run {record.id} of saga {record.saga} is stuck: {what} has taken longer than {stuck.limit_s} s."
            f" See where: backstay saga show {record.id}"
        )
        more = {"step": stuck.step, "since": iso(stuck.since), "limit_s": str(stuck.limit_s)}
        began_at = stuck.since + timedelta(seconds=stuck.limit_s)
        self._announce(STUCK, record, text, more, told=iso(stuck.since), began_at=began_at)

    def undone_in_part(self, record: RunRecord) -> None:
        """A run has failed, and so has the undoing of some of it."""
        text = (
            f"Run of saga {record.saga} failed, and not all that it had done could be undone: see"
            f" backstay saga show {record.id}; mend what hinders it, then backstay saga redrive {record.id}"
        )
        self._announce(
            COMPENSATION_FAILED,
            record,
            text,
            {"cause": record.cause},
            told=str(record.execution),
            began_at=record.ended_at or record.changed_at,
            severity=Severity.CRITICAL,
        )

    def question(self, record: RunRecord, wait: Wait) -> None:
        """A run waits for a person's word."""
        text = (
            f"Run {record.id} of saga {record.saga} waits for approval (step {wait.step!r}):"
            f" backstay saga approve {record.id}, or reject; POST /api/runs/{record.id}/approve does the same."
        )
        more = {"step": wait.step, "since": wait.entered_at, "until": iso(wait.until) if wait.until else None}
        told = f"{wait.step}@{wait.entered_at}"
        began_at = from_iso(wait.entered_at)
        self._announce(APPROVAL_NEEDED, record, text, more, told=told, began_at=began_at, severity=Severity.INFO)

    def _announce(
        self,
        rule: str,
        record: RunRecord,
        text: str,
        more: Mapping[str, str | None],
        *,
        told: str,
        began_at: datetime,
        severity: Severity | None = None,
    ) -> None:
        details = {"saga": record.saga, "run": f"/api/runs/{record.id}", **more}
        occurrence = Occurrence(
            rule=rule,
            source=record.id,
            kind=Kind.BEGINS,
            at=began_at,
            text=text,
            severity=severity,
            details={name: value for name, value in details.items() if value is not None},
            tenant=record.tenant,
            id=f"{record.id} {told}",
        )
        announce(self._stage, occurrence)
