"""Shapes of alerts, silences and maintenance windows."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from .shapes import Moment, Shape, example

if TYPE_CHECKING:
    from backstay.alerts.alert import Alert
    from backstay.alerts.muting import MaintenanceWindow, Silence

StateName = Literal["open", "acknowledged", "resolved"]
StateFilter = Literal["open", "acknowledged", "resolved", "unresolved"]
Category = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Reason = Annotated[str, Field(max_length=500, description="For the record, and for whoever reads it.")]

_LONGEST_SILENCE_MIN = 30 * 24 * 60


class DeliveryShape(Shape):
    """What became of the latest message to one channel."""

    channel: str
    state: Literal["sending", "sent", "failed"]
    at: Moment
    error: Annotated[str | None, Field(description="Why it was not sent.")]


class AlertShape(Shape):
    """Something that people must hear of. At most one of a rule and source is unresolved at a time."""

    id: str
    rule: Annotated[str, Field(description="Such as `worker.dead_letter`.")]
    category: Annotated[str, Field(description="The first word of the rule.")]
    source: Annotated[str, Field(description="What it is about: a task, a provider, a budget and its window, a run.")]
    severity: Literal["info", "warning", "critical", "emergency"]
    state: StateName
    text: Annotated[str, Field(description="What happened, and what to do.")]
    tenant: str | None
    details: dict[str, str]
    count: Annotated[int, Field(description="How often it was told.")]
    opened_at: Moment
    last_at: Annotated[Moment, Field(description="When it was told last.")]
    acknowledged_at: Moment | None
    acknowledged_by: Annotated[str | None, Field(description="The id of a key.")]
    resolved_at: Moment | None
    resolved_by: Annotated[str | None, Field(description="`condition ended`, `quiet`, or the id of a key.")]
    muted_by: Annotated[
        str | None, Field(description="The silence or maintenance window for whose sake nobody was told.")
    ]
    deliveries: list[DeliveryShape]


class AlertPage(Shape):
    """Some alerts, latest first."""

    alerts: list[AlertShape]
    cursor: Annotated[str | None, Field(description="Leads to the next page; none, there is no next.")]


class SilenceRequest(Shape):
    """What nobody is to be told of for a while."""

    rule: Annotated[str | None, Field(min_length=1, max_length=100, description="Such as `worker.queue_depth`.")] = None
    category: Annotated[Category | None, Field(description="Such as `worker`.")] = None
    source: Annotated[str | None, Field(min_length=1, max_length=200, description="Such as a task's name.")] = None
    minutes: Annotated[int, Field(ge=1, le=_LONGEST_SILENCE_MIN, description="For how long.")] = 60
    reason: Reason = ""

    model_config = example({"rule": "worker.queue_depth", "minutes": 60, "reason": "the import is known"})

    @model_validator(mode="after")
    def _names_one_thing(self) -> "SilenceRequest":
        if sum(value is not None for value in (self.rule, self.category, self.source)) != 1:
            raise ValueError("give one of rule, category and source")
        return self


class SilenceShape(Shape):
    """Of what it covers nobody is told while it lasts; alerts are recorded all the same, and name it."""

    id: str
    covers: Literal["rule", "category", "source"]
    value: str
    begins_at: Moment
    ends_at: Moment
    by: Annotated[str, Field(description="The id of a key.")]
    reason: str


class Silences(Shape):
    """Those that are not over, the first to end first."""

    silences: list[SilenceShape]


class MaintenanceRequest(Shape):
    """When alerts are expected."""

    categories: Annotated[
        tuple[Category, ...], Field(max_length=20, description="Of these only, such as `worker`; empty: of all.")
    ] = ()
    begins_at: Annotated[AwareDatetime | None, Field(description="By default now.")] = None
    ends_at: AwareDatetime
    reason: Reason = ""

    model_config = example(
        {"categories": ["worker"], "begins_at": "2026-12-01T22:00:00Z", "ends_at": "2026-12-01T23:30:00Z"}
    )

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """From when to when, in UTC."""
        return (self.begins_at or now).astimezone(UTC), self.ends_at.astimezone(UTC)


class MaintenanceShape(Shape):
    """Of what it covers nobody is told while it lasts; alerts are recorded all the same, and name it."""

    id: str
    categories: Annotated[list[str], Field(description="Empty: all.")]
    begins_at: Moment
    ends_at: Moment
    by: Annotated[str, Field(description="The id of a key.")]
    reason: str


class MaintenanceWindows(Shape):
    """Those that are not over, the first to end first."""

    maintenance_windows: list[MaintenanceShape]


def alert_of(alert: "Alert") -> AlertShape:
    """An alert as it is shown."""
    return AlertShape(
        id=alert.id,
        rule=alert.rule,
        category=alert.category,
        source=alert.source,
        severity=alert.severity.value,
        state=alert.state.value,
        text=alert.text,
        tenant=alert.tenant,
        details=dict(alert.details),
        count=alert.count,
        opened_at=alert.opened_at,
        last_at=alert.last_at,
        acknowledged_at=alert.acknowledged_at,
        acknowledged_by=alert.acknowledged_by,
        resolved_at=alert.resolved_at,
        resolved_by=alert.resolved_by,
        muted_by=alert.muted_by,
        deliveries=[
            DeliveryShape(channel=channel, state=one.state.value, at=one.at, error=one.error)
            for channel, one in sorted(alert.deliveries.items())
        ],
    )


def silence_of(silence: "Silence") -> SilenceShape:
    """A silence as it is shown."""
    return SilenceShape(
        id=silence.id,
        covers=silence.covers.value,
        value=silence.value,
        begins_at=silence.begins_at,
        ends_at=silence.ends_at,
        by=silence.by,
        reason=silence.reason,
    )


def maintenance_of(window: "MaintenanceWindow") -> MaintenanceShape:
    """A maintenance window as it is shown."""
    return MaintenanceShape(
        id=window.id,
        categories=list(window.categories),
        begins_at=window.begins_at,
        ends_at=window.ends_at,
        by=window.by,
        reason=window.reason,
    )
