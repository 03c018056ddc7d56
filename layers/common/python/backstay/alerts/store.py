"""Alerts in their table: every write conditional on what was read, and one unresolved alert a condition at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from backstay import aws
from backstay.alerts.alert import Alert, AlertState, Delivery, DeliveryState
from backstay.alerts.alert_items import DUTY, delivery_item, from_item, list_of, to_item
from backstay.alerts.occurrence import Occurrence
from backstay.clock import epoch_ms, from_iso, iso
from backstay.dynamodb import decode_item, encode_item
from backstay.errors import BackstayError
from backstay.resilience.retry import retry_quickly
from backstay.transactions import STEP_APART, Transactions, UnmetError, Write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import PaginatorConfigTypeDef

BY_LIST, BY_DUTY = "by_list", "by_duty"
LONGEST_PAGE = 100

Names = Mapping[str, str]

_REMEMBER_ENDS_FOR = timedelta(days=7)


class StaleAlertError(BackstayError):
    """Somebody else has changed the alert or its condition since it was read; nothing was written."""


class InvalidCursorError(BackstayError):
    """The cursor is not one that a page brought."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a condition stands."""

    alert_id: str | None = None
    """Its unresolved alert."""
    last_id: str | None = None
    """The alert before, resolved."""
    ended_at: datetime | None = None
    """When it last ended, as far as is remembered: what began before is over."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some alerts, latest first, and where the next page begins."""

    alerts: tuple[Alert, ...]
    cursor: str | None


class AlertStore:
    """Reads and writes of alerts of one stage."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._transactions = Transactions(table)

    def get(self, alert_id: str) -> Alert | None:
        """An alert, read consistently, or None."""
        item = self._get(alert_id)
        return from_item(item) if item else None

    def standing(self, condition: str) -> Standing:
        """How a condition stands."""
        item = self._get(_standing_key(condition)) or {}
        ended_at = from_iso(item["ended_at"]) if "ended_at" in item else None
        return Standing(item.get("alert_id"), item.get("last_id"), ended_at)

    def open(self, alert: Alert) -> Alert | None:
        """Write a new alert; answers the one of the same id that was there already, if any.

        Raises:
            StaleAlertError: its condition has another alert that is not resolved.
        """
        standing = {"id": _standing_key(alert.condition), "alert_id": alert.id}
        writes = [
            self._transactions.put(to_item(alert), "attribute_not_exists(id)"),
            self._transactions.put(standing, "attribute_not_exists(alert_id)"),
        ]
        try:
            self._transactions.commit(writes)
        except UnmetError as error:
            if 0 in error.items:
                return from_item(error.items[0])
            raise StaleAlertError(f"condition {alert.condition!r} has an open alert") from error
        return None

    def save(self, old: Alert, new: Alert) -> Alert:
        """Write what changed, if the alert is still as `old` says; one that is resolved frees its condition.

        Raises:
            StaleAlertError: it is not.
        """
        if new == old:
            return old
        written = replace(new, version=old.version + 1)
        writes = [self._transactions.put(to_item(written), "version = :was", {":was": old.version})]
        if new.is_over and not old.is_over:
            writes.append(self._freed(new))
        try:
            self._transactions.commit(writes)
        except UnmetError as error:
            raise StaleAlertError(f"alert {old.id} is no longer as it was read") from error
        return written

    def change(self, alert_id: str, move: Callable[[Alert], Alert]) -> Alert | None:
        """Make a move, again from what there is where somebody else was faster; None where there is no such alert.

        Raises:
            StaleAlertError: others keep changing it.
            Exception: what the move raises.
        """

        def change() -> Alert | None:
            alert = self.get(alert_id)
            return self.save(alert, move(alert)) if alert else None

        return retry_quickly(change, on=(StaleAlertError,), policy=STEP_APART)

    def note_end(self, condition: str, at: datetime, before: Standing) -> None:
        """Remember for a while when a condition ended that has no alert: word of its beginning may yet come.

        Raises:
            StaleAlertError: it has an alert by now.
        """
        if before.ended_at and before.ended_at >= at:
            return
        write = self._standing_ended(condition, at, before.last_id, "attribute_not_exists(alert_id)", {})
        try:
            self._transactions.commit([write])
        except UnmetError as error:
            raise StaleAlertError(f"condition {condition!r} has an alert by now") from error

    def count_up(self, alert: Alert, occurrence: Occurrence) -> Alert:
        """Put on record that the same has happened again, with what others count at the same moment.

        Raises:
            StaleAlertError: the alert was resolved meanwhile.
        """
        again = alert.again(occurrence)
        if again is alert:
            return alert
        name = again.seen[-1]
        seen = "list_append(seen, :name)" if len(again.seen) > len(alert.seen) else ":seen"
        change = f"SET last_at = :last_at, lasts = :lasts, seen = {seen} ADD #count :one, version :one"
        values: dict[str, Any] = {":last_at": iso(again.last_at), ":lasts": again.lasts, ":told": name}
        values |= {":seen": list(again.seen)} if seen == ":seen" else {":name": [name]}
        names, condition = {"#count": "count", "#state": "state"}, "#state = :state AND NOT contains(seen, :told)"
        counted = self._update(alert.id, change, condition, names, {**values, ":state": str(alert.state)})
        if counted is None:
            raise StaleAlertError(f"alert {alert.id} is no longer as it was read")
        return counted

    def note_told(self, alert_id: str, state: AlertState) -> Alert | None:
        """Put on record that people are told of a state; None where the alert is in another by now, which whoever moved
        it tells."""
        change = "SET told = :state REMOVE duty, duty_at ADD version :one"
        return self._update(alert_id, change, "#state = :state", {"#state": "state"}, {":state": str(state)})

    def begin_delivery(self, alert_id: str, channel: str, at: datetime) -> Alert | None:
        """Put on record that a message to a channel goes out; answers the alert, None where it is not open any more.

        One step: whoever resolves the alert afterwards sees that the channel may have heard of it.
        """
        sending = Delivery(DeliveryState.SENDING, at)
        is_open = {":open": str(AlertState.OPEN)}
        return self._deliver(alert_id, channel, sending, "#state = :open", {"#state": "state"}, is_open)

    def note_delivery(self, alert_id: str, channel: str, delivery: Delivery) -> None:
        """Put on record what became of the latest message to a channel. An alert that is gone stays gone."""
        self._deliver(alert_id, channel, delivery, "attribute_exists(id)", {}, {})

    def page(self, states: Sequence[AlertState], limit: int, cursor: str | None = None) -> Page:
        """Alerts in these states, latest first.

        Args:
            states: which.
            limit: alerts at most; more than 100 are none.
            cursor: from the page before.

        Raises:
            InvalidCursorError: the cursor is not one that a page brought.
        """
        if cursor is not None and "~" not in cursor:
            raise InvalidCursorError(f"cursor {cursor!r} is not one that a page brought; leave it out to begin anew")
        limit = max(1, min(LONGEST_PAGE, limit))
        items = [item for state in states for item in self._listed(state, limit, cursor)]
        items.sort(key=lambda item: str(item["listed_at"]), reverse=True)
        shown = items[:limit]
        return Page(tuple(map(from_item, shown)), shown[-1]["listed_at"] if len(items) >= limit else None)

    def unresolved(self) -> list[Alert]:
        """All that are open or acknowledged, latest first."""
        states = (AlertState.OPEN, AlertState.ACKNOWLEDGED)
        return [from_item(item) for state in states for item in self._listed(state, None, None)]

    def untold(self, before: datetime) -> list[Alert]:
        """Alerts of whose state nobody was told yet although it is older than that, the oldest first."""
        items = self._query(
            IndexName=BY_DUTY,
            KeyConditionExpression="duty = :duty AND duty_at < :before",
            ExpressionAttributeValues=encode_item({":duty": DUTY, ":before": iso(before)}),
        )
        return [from_item(item) for item in items]

    def _deliver(
        self, alert_id: str, channel: str, delivery: Delivery, only_if: str, names: Names, values: Names
    ) -> Alert | None:
        change = "SET deliveries.#channel = :delivery ADD version :one"
        given = {":delivery": delivery_item(delivery), **values}
        return self._update(alert_id, change, only_if, {"#channel": channel, **names}, given)

    def _update(
        self, alert_id: str, change: str, only_if: str, names: Names, values: Mapping[str, Any]
    ) -> Alert | None:
        """The alert as it stands then; None where the condition is not met."""
        dynamodb = aws.dynamodb()
        naming: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
        try:
            answer = dynamodb.update_item(
                TableName=self._table,
                Key=encode_item({"id": alert_id}),
                UpdateExpression=change,
                ConditionExpression=only_if,
                ExpressionAttributeValues=encode_item({":one": 1, **values}),
                ReturnValues="ALL_NEW",
                **naming,
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return None
        return from_item(decode_item(answer["Attributes"]))

    def _listed(self, state: AlertState, most: int | None, cursor: str | None) -> list[dict[str, Any]]:
        condition, values = "#list = :list", {":list": list_of(state)}
        if cursor is not None:
            condition, values = f"{condition} AND listed_at < :before", {**values, ":before": cursor}
        return self._query(
            most,
            IndexName=BY_LIST,
            KeyConditionExpression=condition,
            ExpressionAttributeNames={"#list": "list"},
            ExpressionAttributeValues=encode_item(values),
            ScanIndexForward=False,
        )

    def _query(self, most: int | None = None, **request: Any) -> list[dict[str, Any]]:
        paging: PaginatorConfigTypeDef = {} if most is None else {"MaxItems": most}
        pages = aws.dynamodb().get_paginator("query").paginate(
            TableName=self._table, PaginationConfig=paging, **request
        )  # fmt: skip
        return [decode_item(item) for page in pages for item in page["Items"]]

    def _get(self, key: str) -> dict[str, Any] | None:
        answer = aws.dynamodb().get_item(TableName=self._table, Key=encode_item({"id": key}), ConsistentRead=True)
        return decode_item(answer["Item"]) if "Item" in answer else None

    def _freed(self, alert: Alert) -> Write:
        ended_at = alert.resolved_at or alert.last_at
        ours = {":ours": alert.id}
        return self._standing_ended(alert.condition, ended_at, alert.id, "alert_id = :ours", ours)

    def _standing_ended(
        self, condition: str, at: datetime, last_id: str | None, only_if: str, values: dict[str, Any]
    ) -> Write:
        item = {
            "id": _standing_key(condition),
            "ended_at": iso(at),
            "last_id": last_id,
            "ttl": epoch_ms(at + _REMEMBER_ENDS_FOR) // 1000,
        }
        return self._transactions.put(item, only_if, values)


def _standing_key(condition: str) -> str:
    return f"condition#{condition}"
