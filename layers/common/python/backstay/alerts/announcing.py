"""Our own events for people, on the account's default bus: written here, and read by what routes alerts."""

import json
from typing import Any

from backstay import aws
from backstay.alerts.occurrence import Occurrence, category_of
from backstay.clock import iso
from backstay.errors import BackstayError

_LONGEST_TEXT = 4000


class UnannouncedError(BackstayError):
    """EventBridge did not take the event; the text says why."""


def sources_of(stage: str) -> str:
    """What the sources of all events of a stage start with."""
    return f"backstay.{stage}."


def announce(stage: str, occurrence: Occurrence) -> None:
    """Tell of it: who routes alerts hears within seconds.

    Raises:
        UnannouncedError: EventBridge did not take it.
    """
    entry = {
        "Source": sources_of(stage) + category_of(occurrence.rule),
        "DetailType": occurrence.rule,
        "Detail": json.dumps(_detail_of(occurrence)),
        "Time": occurrence.at,
    }
    answer = aws.events().put_events(Entries=[entry])  # type: ignore[list-item]
    if answer["FailedEntryCount"]:
        failed = answer["Entries"][0]
        told = f"{failed.get('ErrorCode')}: {failed.get('ErrorMessage')}"
        raise UnannouncedError(f"{occurrence.rule} of {occurrence.source}: {told}")


def _detail_of(occurrence: Occurrence) -> dict[str, Any]:
    detail = {
        "rule": occurrence.rule,
        "source": occurrence.source,
        "kind": str(occurrence.kind),
        "at": iso(occurrence.at),
        "text": occurrence.text[:_LONGEST_TEXT],
        "severity": str(occurrence.severity) if occurrence.severity else None,
        "details": dict(occurrence.details) or None,
        "dedup": occurrence.dedup or None,
        "tenant": occurrence.tenant,
        "id": occurrence.id or None,
        "once_in": occurrence.once_in,
    }
    return {name: value for name, value in detail.items() if value is not None}
