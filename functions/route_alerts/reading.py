"""What alarms and events say, as occurrences."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from backstay.alerts.alarm_names import AlarmName, AlarmNameError, parse
from backstay.alerts.announcing import sources_of
from backstay.alerts.occurrence import RULE, Kind, Occurrence, Severity
from backstay.budgets.periods import Window, periods_at
from backstay.errors import BackstayError

FOREIGN_ALARM = "system.alarm"
"""The rule of alarms that are not named as ours are, but were pointed at our topic."""

_BUDGET_RULES = "cost.budget_"
_STATES = {"ALARM": Kind.BEGINS, "OK": Kind.ENDS}  # INSUFFICIENT_DATA is no news
_LONGEST_SOURCE, _LONGEST_TEXT = 200, 4000


class UnreadableEventError(BackstayError):
    """The event is none that alerts come from; it stays where failures go."""


class Detail(BaseModel):
    """The detail of our own events, as `backstay.alerts.announcing` writes it and rules of backstay.toml shape it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rule: str = Field(pattern=f"^{RULE.pattern}$", max_length=100)
    source: str = Field(min_length=1)
    kind: Kind = Kind.HAPPENED
    at: datetime | None = None
    text: str = ""
    severity: Severity | None = None
    details: dict[str, str] = Field(default_factory=dict)
    dedup: str = ""
    tenant: str | None = None
    id: str = ""
    once_in: str | None = None


def occurrences_of(event: Mapping[str, Any], stage: str, prefix: str) -> Iterator[Occurrence]:
    """What an event tells.

    Args:
        event: as Lambda got it, from the topic or from the bus.
        stage: whose events are ours.
        prefix: what names of the stage's alarms start with.

    Raises:
        UnreadableEventError: it is neither.
    """
    if "Records" in event:
        for record in event["Records"]:
            yield from _of_alarm(json.loads(record["Sns"]["Message"]), prefix)
    elif str(event.get("source", "")).startswith(sources_of(stage)):
        yield _of_event(event)
    else:
        raise UnreadableEventError(f"an event of {event.get('source')!r} is no source of alerts in stage {stage}")


def _of_alarm(alarm: Mapping[str, Any], prefix: str) -> Iterator[Occurrence]:
    kind = _STATES.get(alarm["NewStateValue"])
    if kind is None:
        return
    at = datetime.fromisoformat(alarm["StateChangeTime"])
    rule, source = _named(alarm["AlarmName"], prefix)
    yield Occurrence(
        rule=rule,
        source=source,
        kind=kind,
        at=at,
        text=str(alarm.get("AlarmDescription") or alarm["AlarmName"])[:_LONGEST_TEXT],
        details={"alarm": alarm["AlarmName"], "reason": str(alarm.get("NewStateReason") or "")[:_LONGEST_TEXT]},
        once_in=_period_of(source, at) if rule.startswith(_BUDGET_RULES) else None,
    )


def _named(alarm: str, prefix: str) -> AlarmName:
    try:
        return parse(alarm, prefix)
    except AlarmNameError:
        return AlarmName(FOREIGN_ALARM, re.sub(r"[^A-Za-z0-9_.:-]", "-", alarm)[:_LONGEST_SOURCE])


def _period_of(source: str, at: datetime) -> str | None:
    """Budgets alert once in a period of their window, which is the last part of the source."""
    window = re.split(r"[.:]", source)[-1]
    return periods_at(at)[Window(window)] if window in set(Window) else None


def _of_event(event: Mapping[str, Any]) -> Occurrence:
    detail = Detail.model_validate(event["detail"])
    return Occurrence(
        rule=detail.rule,
        source=detail.source[:_LONGEST_SOURCE],
        kind=detail.kind,
        at=detail.at or datetime.fromisoformat(event["time"]),
        text=detail.text[:_LONGEST_TEXT],
        severity=detail.severity,
        details=detail.details,
        dedup=detail.dedup[: 2 * _LONGEST_SOURCE],
        tenant=detail.tenant,
        id=detail.id or str(event.get("id", "")),
        once_in=detail.once_in,
    )
