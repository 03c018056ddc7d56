"""Silences and maintenance windows: when nobody is to be told. All of it concerns every tenant."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from backstay.access.key import Scope
from backstay.clock import utc_now

from .alert_shapes import (
    MaintenanceRequest,
    MaintenanceShape,
    MaintenanceWindows,
    SilenceRequest,
    Silences,
    SilenceShape,
    maintenance_of,
    silence_of,
)
from .gate import caller_of, needs, require_every_tenant, routes
from .problems import Kind, Refusal, invalid
from .services import services

if TYPE_CHECKING:
    from backstay.alerts.muting import Mute

router = routes()

SilenceId = Annotated[str, Path(description="The silence's id.")]
WindowId = Annotated[str, Path(description="The maintenance window's id.")]


@router.post("/api/silences", security=needs(Scope.OPERATE), tags=["alerts"], summary="Silence alerts for a while")
def add_silence(wanted: SilenceRequest) -> SilenceShape:
    """By rule, category or source; for an hour, unless it is said otherwise. Alerts are recorded all the same, and
    escalations that are under way stop. Concerns every tenant."""
    from backstay.alerts.mute_store import new_silence_id
    from backstay.alerts.muting import Covers, Silence

    caller, now = caller_of(router), utc_now()
    require_every_tenant(caller, "silencing alerts")
    covers = next(one for one in Covers if getattr(wanted, one) is not None)
    ends_at = now + timedelta(minutes=wanted.minutes)
    value: str = getattr(wanted, covers)
    silence = Silence(new_silence_id(), covers, value, now, ends_at, caller.key_id, wanted.reason)
    services().alerting.mutes.put(silence)
    return silence_of(silence)


@router.get("/api/silences", security=needs(Scope.READ), tags=["alerts"], summary="List silences")
def list_silences() -> Silences:
    """Those that are not over. Concerns every tenant."""
    from backstay.alerts.muting import Silence

    return Silences(silences=[silence_of(one) for one in _not_over() if isinstance(one, Silence)])


@router.delete("/api/silences/<silence_id>", security=needs(Scope.OPERATE), tags=["alerts"], summary="End a silence")
def end_silence(silence_id: SilenceId) -> SilenceShape:
    """Now; one that is over stays as it is. Concerns every tenant."""
    from backstay.alerts.muting import Silence

    require_every_tenant(caller_of(router), "ending a silence")
    ended = services().alerting.mutes.end(Silence, silence_id, utc_now())
    if ended is None:
        raise Refusal(Kind.NOT_FOUND, f"there is no silence {silence_id[:100]!r}; it may be past its retention")
    return silence_of(ended)


@router.post(
    "/api/maintenance-windows", security=needs(Scope.OPERATE), tags=["alerts"], summary="Plan a maintenance window"
)
def add_window(wanted: MaintenanceRequest) -> MaintenanceShape:
    """From when to when, for alerts of some categories or of all: nobody is told of them, and all are recorded.
    Concerns every tenant."""
    from backstay.alerts.mute_store import new_window_id
    from backstay.alerts.muting import MaintenanceWindow

    caller, now = caller_of(router), utc_now()
    require_every_tenant(caller, "maintenance")
    begins_at, ends_at = wanted.span(now)
    if ends_at <= max(begins_at, now):
        raise invalid("ends_at", "must be later than now and than begins_at", wanted.ends_at.isoformat())
    categories = tuple(sorted(set(wanted.categories)))
    window = MaintenanceWindow(new_window_id(), categories, begins_at, ends_at, caller.key_id, wanted.reason)
    services().alerting.mutes.put(window)
    return maintenance_of(window)


@router.get("/api/maintenance-windows", security=needs(Scope.READ), tags=["alerts"], summary="List maintenance windows")
def list_windows() -> MaintenanceWindows:
    """Those that are not over, planned ones too. Concerns every tenant."""
    from backstay.alerts.muting import MaintenanceWindow

    windows = [maintenance_of(one) for one in _not_over() if isinstance(one, MaintenanceWindow)]
    return MaintenanceWindows(maintenance_windows=windows)


@router.delete(
    "/api/maintenance-windows/<window_id>",
    security=needs(Scope.OPERATE),
    tags=["alerts"],
    summary="End a maintenance window",
)
def end_window(window_id: WindowId) -> MaintenanceShape:
    """Now, or before it has begun; one that is over stays as it is. Concerns every tenant."""
    from backstay.alerts.muting import MaintenanceWindow

    require_every_tenant(caller_of(router), "ending maintenance")
    ended = services().alerting.mutes.end(MaintenanceWindow, window_id, utc_now())
    if ended is None:
        raise Refusal(Kind.NOT_FOUND, f"there is no maintenance window {window_id[:100]!r}; it may be past retention")
    return maintenance_of(ended)


def _not_over() -> "list[Mute]":
    require_every_tenant(caller_of(router), "what is silenced")
    return services().alerting.mutes.not_over(utc_now())
