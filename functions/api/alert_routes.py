"""Alerts: seen, acknowledged, resolved. All of it concerns every tenant."""

from typing import TYPE_CHECKING, Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from backstay.access.key import Scope

from .alert_shapes import AlertPage, AlertShape, StateFilter, alert_of
from .gate import caller_of, needs, require_every_tenant, routes
from .problems import Kind, Refusal
from .services import services

if TYPE_CHECKING:
    from backstay.alerts.alert import Alert

router = routes()

AlertId = Annotated[str, Path(description="The alert's id.")]


@router.get("/api/alerts", security=needs(Scope.READ), tags=["alerts"], summary="List alerts, latest first")
def list_alerts(
    state: Annotated[
        StateFilter | None, Query(description="In this state only; `unresolved` are the open and the acknowledged.")
    ] = None,
    cursor: Annotated[str | None, Query(description="From the page before.", max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Alerts a page.")] = 50,
) -> AlertPage:
    """By the time of their opening, those that were silenced or fell into a maintenance window too. Resolved ones are
    kept for 90 days. Concerns every tenant, so the key must too."""
    from backstay.alerts.alert import AlertState

    require_every_tenant(caller_of(router), "what people are alerted of")
    states = [one for one in AlertState if state in (None, one) or (state == "unresolved" and one != "resolved")]
    page = services().alerting.store.page(states, limit, cursor)
    return AlertPage(alerts=[alert_of(alert) for alert in page.alerts], cursor=page.cursor)


@router.get("/api/alerts/<alert_id>", security=needs(Scope.READ), tags=["alerts"], summary="Read an alert")
def get_alert(alert_id: AlertId) -> AlertShape:
    """With what became of messages about it. Concerns every tenant."""
    require_every_tenant(caller_of(router), "what people are alerted of")
    return _shown(alert_id, services().alerting.store.get(alert_id))


@router.post(
    "/api/alerts/<alert_id>/acknowledge",
    security=needs(Scope.OPERATE),
    tags=["alerts"],
    summary="Look after an alert",
    openapi_extensions={"x-refuses": [409]},
)
def acknowledge_alert(alert_id: AlertId) -> AlertShape:
    """Nobody else is told of it any more. One that is acknowledged already stays with whom it is; one that is resolved
    is refused. Concerns every tenant."""
    caller = caller_of(router)
    require_every_tenant(caller, "looking after an alert")
    return _shown(alert_id, services().alerting.acknowledge(alert_id, caller.key_id))


@router.post(
    "/api/alerts/<alert_id>/resolve", security=needs(Scope.OPERATE), tags=["alerts"], summary="Resolve an alert"
)
def resolve_alert(alert_id: AlertId) -> AlertShape:
    """It is over, and whoever was told hears so. Should it happen again, that is a new alert. Concerns every tenant."""
    caller = caller_of(router)
    require_every_tenant(caller, "resolving an alert")
    return _shown(alert_id, services().alerting.resolve(alert_id, caller.key_id))


def _shown(alert_id: str, alert: "Alert | None") -> AlertShape:
    if alert is None:
        raise Refusal(Kind.NOT_FOUND, f"there is no alert {alert_id[:100]!r}; it may be past its retention")
    return alert_of(alert)
