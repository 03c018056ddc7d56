"""An alert: what it is told of, and its way from open to resolved. All moves are pure."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backstay.alerts.occurrence import Kind, Occurrence, Severity, category_of
from backstay.errors import BackstayError

QUIET_FOR = timedelta(minutes=15)
"""After so long without word, an alert that events raised is over (spec: alerts)."""

CONDITION_ENDED, QUIET = "condition ended", "quiet"
"""Who resolves an alert that no person does."""

_ID_CHARACTERS = 24
_REMEMBERED = 20
"""Ids of occurrences, by which it is seen that one is told again."""


class AlertOverError(BackstayError):
    """The alert is resolved already."""


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class DeliveryState(StrEnum):
    """What became of a message."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the latest message of an alert to one channel."""

    state: DeliveryState
    at: datetime
    error: str | None = None
    """Why it was not sent."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What at most one unresolved record stands for at a time: a rule and its source."""

    id: str
    condition: str
    rule: str
    source: str
    severity: Severity
    text: str
    opened_at: datetime
    last_at: datetime
    state: AlertState = AlertState.OPEN
    count: int = 1
    """How often it was told, with the first time."""
    lasts: bool = False
    """Its end will be told: silence does not mean that it is over."""
    once_in: str | None = None
    tenant: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    muted_by: str | None = None
    """The silence or maintenance window for whose sake nobody is told."""
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    """`condition ended`, `quiet`, or who it was."""
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)
    """By channel."""
    told: AlertState | None = None
    """The last state that was handed on to be told; it is to be told where that is not its state."""
    seen: tuple[str, ...] = ()
    version: int = 1

    @property
    def category(self) -> str:
        """The first word of its rule."""
        return category_of(self.rule)

    @property
    def is_over(self) -> bool:
        """Whether it is resolved."""
        return self.state is AlertState.RESOLVED

    @property
    def is_untold(self) -> bool:
        """Whether people have not been told yet of the state that it is in."""
        return self.told is not self.state

    def is_quiet(self, now: datetime) -> bool:
        """Whether it has not happened again for so long that it is over."""
        return not self.lasts and not self.is_over and now - self.last_at >= QUIET_FOR

    def again(self, occurrence: Occurrence) -> "Alert":
        """The same has happened again; told twice, it counts once."""
        name = name_of(occurrence)
        if name in self.seen:
            return self
        return replace(
            self,
            count=self.count + 1,
            last_at=max(self.last_at, occurrence.at),
            lasts=self.lasts or occurrence.kind is Kind.BEGINS,
            seen=(*self.seen, name)[-_REMEMBERED:],
        )

    def acknowledged(self, by: str, at: datetime) -> "Alert":
        """Somebody looks after it. The first one stays on record.

        Raises:
            AlertOverError: it is resolved.
        """
        if self.is_over:
            raise AlertOverError(f"alert {self.id} is resolved; there is nothing left to look after")
        if self.state is AlertState.ACKNOWLEDGED:
            return self
        return replace(self, state=AlertState.ACKNOWLEDGED, acknowledged_at=at, acknowledged_by=by)

    def resolved(self, by: str, at: datetime) -> "Alert":
        """It is over; what is over stays as it ended."""
        if self.is_over:
            return self
        return replace(self, state=AlertState.RESOLVED, resolved_at=at, resolved_by=by)

    def ended(self, occurrence: Occurrence) -> "Alert":
        """Its condition has ended, unless that was before it was opened."""
        return self if occurrence.at < self.opened_at else self.resolved(CONDITION_ENDED, occurrence.at)


def opened_by(occurrence: Occurrence, severity: Severity, muted_by: str | None) -> Alert:
    """The alert that an occurrence opens. Of one that is muted nobody is to be told."""
    return Alert(
        id=alert_id_of(occurrence),
        condition=occurrence.condition,
        rule=occurrence.rule,
        source=occurrence.source,
        severity=severity,
        text=occurrence.text,
        opened_at=occurrence.at,
        last_at=occurrence.at,
        lasts=occurrence.kind is Kind.BEGINS,
        once_in=occurrence.once_in,
        tenant=occurrence.tenant,
        details=dict(occurrence.details),
        muted_by=muted_by,
        told=AlertState.OPEN if muted_by else None,
        seen=(name_of(occurrence),),
    )


def alert_id_of(occurrence: Occurrence) -> str:
    """The id of the alert that an occurrence opens, if it opens one: the same whenever the same is told again."""
    told = f"{occurrence.condition}\n{occurrence.once_in or name_of(occurrence)}"
    digest = hashlib.sha256(told.encode()).digest()
    return base64.b32encode(digest).decode().lower()[:_ID_CHARACTERS]


def name_of(occurrence: Occurrence) -> str:
    """What tells one occurrence from the next of its kind."""
    return occurrence.id or f"{occurrence.kind}@{occurrence.at.timestamp()}"
