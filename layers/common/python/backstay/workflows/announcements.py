"""What people should hear of runs, as events on the account's default bus; a rule sends them on."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from backstay import aws
from backstay.clock import iso
from backstay.errors import BackstayError
from backstay.workflows.run import RunRecord, Wait


def source_of(stage: str) -> str:
    """What the events of a stage name as their source."""
    return f"backstay.{stage}.workflows"


class Kind(StrEnum):
    """What has happened, as the event's detail type."""

    STUCK = "Run stuck"
    UNDONE_IN_PART = "Run compensation failed"
    ASKS = "Run waits for approval"


class UnannouncedError(BackstayError):
    """EventBridge did not take the event; the text says why."""


class Announcements:
    """Tells of the runs of one stage. All of it raises `UnannouncedError` where EventBridge did not take the event."""

    def __init__(self, stage: str) -> None:
        self._source = source_of(stage)

    def stuck(self, record: RunRecord) -> None:
        """A run takes too long."""
        stuck = record.stuck
        if stuck is None:
            raise ValueError(f"run {record.id} is not stuck")
        what = f"step {stuck.step!r}" if stuck.step else "it"
        text = f"Run {record.id} of saga {record.saga} is stuck: {what} has taken longer than {stuck.limit_s} s."
        more = {"step": stuck.step, "since": iso(stuck.since), "limit_s": stuck.limit_s}
        self._announce(Kind.STUCK, record, text, more)

    def undone_in_part(self, record: RunRecord) -> None:
        """A run has failed, and so has the undoing of some of it."""
        text = (
            f"Run {record.id} of saga {record.saga} failed, and not all that it had done could be undone."
            f" See which: backstay saga show {record.id}; mend what hinders it, then: backstay saga redrive {record.id}"
        )
        self._announce(Kind.UNDONE_IN_PART, record, text, {"cause": record.cause})

    def question(self, record: RunRecord, wait: Wait) -> None:
        """A run waits for a person's word."""
        text = (
            f"Run {record.id} of saga {record.saga} waits for approval (step {wait.step!r}):"
            f" backstay saga approve {record.id}, or reject; POST /api/runs/{record.id}/approve does the same."
        )
        more = {"step": wait.step, "since": wait.entered_at, "until": iso(wait.until) if wait.until else None}
        self._announce(Kind.ASKS, record, text, more)

    def _announce(self, kind: Kind, record: RunRecord, text: str, more: Mapping[str, Any]) -> None:
        detail = {
            "text": text,
            "run_id": record.id,
            "saga": record.saga,
            "tenant": record.tenant,
            "run": f"/api/runs/{record.id}",
            **more,
        }
        entry = {"Source": self._source, "DetailType": str(kind), "Detail": json.dumps(detail)}
        answer = aws.events().put_events(Entries=[entry])  # type: ignore[list-item]
        if answer["FailedEntryCount"]:
            failed = answer["Entries"][0]
            raise UnannouncedError(f"{kind} of {record.id}: {failed.get('ErrorCode')}: {failed.get('ErrorMessage')}")
