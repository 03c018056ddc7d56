"""An alert as the attributes of its item, with the index keys that follow from it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from backstay.alerts.alert import Alert, AlertState, Delivery, DeliveryState
from backstay.alerts.occurrence import Severity
from backstay.clock import epoch_ms, from_iso, iso

DUTY = "tell"
"""The partition of the index `by_duty`: alerts whose state nobody was told of yet. All others are not in it."""

KEEP = timedelta(days=90)
KEEP_ONCE = timedelta(days=400)
"""Kept for as long as its period lasts, in which no other may be opened: a year, and some."""

_PLAIN = (
    "condition", "rule", "source", "text", "count", "lasts", "once_in", "tenant", "muted_by", "acknowledged_by",
    "resolved_by", "version",
)  # fmt: skip
_TIMES = ("opened_at", "last_at", "acknowledged_at", "resolved_at")


def list_of(state: AlertState) -> str:
    """The partition of the index `by_list` that holds alerts in a state."""
    return f"alerts#{state}"


def position_of(alert: Alert) -> str:
    """Where an alert stands in its list: sorts in the order of opening."""
    return f"{iso(alert.opened_at)}~{alert.id}"


def to_item(alert: Alert) -> dict[str, Any]:
    """The alert as plain attributes; what is None is left out when it is written."""
    return {
        "id": alert.id,
        **{name: getattr(alert, name) for name in _PLAIN},
        **{name: iso(moment) if (moment := getattr(alert, name)) else None for name in _TIMES},
        "severity": str(alert.severity),
        "state": str(alert.state),
        "told": str(alert.told) if alert.told else None,
        "details": dict(alert.details),
        "deliveries": {channel: delivery_item(delivery) for channel, delivery in alert.deliveries.items()},
        "seen": list(alert.seen),
        "list": list_of(alert.state),
        "listed_at": position_of(alert),
        "duty": DUTY if alert.is_untold else None,
        "duty_at": iso(alert.resolved_at or alert.acknowledged_at or alert.opened_at) if alert.is_untold else None,
        "ttl": _ttl(alert),
    }


def from_item(item: Mapping[str, Any]) -> Alert:
    """The alert that `to_item` wrote."""
    plain: dict[str, Any] = {name: item[name] for name in _PLAIN if name in item}
    times: dict[str, Any] = {name: from_iso(item[name]) for name in _TIMES if name in item}
    return Alert(
        id=item["id"],
        **plain,
        **times,
        severity=Severity(item["severity"]),
        state=AlertState(item["state"]),
        told=AlertState(item["told"]) if "told" in item else None,
        details=item["details"],
        deliveries={channel: _delivery(one) for channel, one in item["deliveries"].items()},
        seen=tuple(item["seen"]),
    )


def delivery_item(delivery: Delivery) -> dict[str, Any]:
    """A delivery as plain values."""
    found = {"state": str(delivery.state), "at": iso(delivery.at), "error": delivery.error}
    return {name: value for name, value in found.items() if value is not None}


def _delivery(item: Mapping[str, Any]) -> Delivery:
    return Delivery(DeliveryState(item["state"]), from_iso(item["at"]), item.get("error"))


def _ttl(alert: Alert) -> int | None:
    if alert.resolved_at is None:
        return None
    keep = KEEP_ONCE if alert.once_in else KEEP
    return epoch_ms(alert.resolved_at + keep) // 1000
