"""What follows from a refusal at the gate: a line in the log, and an alert where it looks like an attack."""

import re
import time
from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from backstay.access.caller import AccessError, Caller, Forbidden, OfAnotherTenant
from backstay.access.key import is_key, key_id_of
from backstay.telemetry import Metric, emit, logger

from .services import services

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

TOO_OFTEN, SUSPICIOUS = "security.authentication_failures", "security.suspicious_activity"

_TOLD_AGAIN_AFTER_S = 60.0
_MOST_REMEMBERED = 1_000

_told: OrderedDict[str, float] = OrderedDict()
"""Of whom people were told by this process, and when: an attack must not become one on whoever is told of it."""


def note_refused_access(event: "APIGatewayProxyEventV2", caller: Caller | None, error: AccessError) -> None:
    """Leave a security event in the log: who was refused what, without the key. Tell people of what looks like more."""
    note = logger().warning if isinstance(error, Forbidden) else logger().info
    http = event.request_context.http
    note(
        "access refused",
        extra={
            "security_event": "forbidden" if isinstance(error, Forbidden) else "unauthenticated",
            "reason": str(error),
            "method": event.http_method,
            "path": event.path,
            "source_ip": http.source_ip,
            "key_id": caller.key_id if caller else None,
            "correlation_id": event.request_context.request_id,
        },
    )
    emit([Metric("SecurityEvents", 1)], {"Kind": "access_refused"})
    try:
        if isinstance(error, OfAnotherTenant):
            _tell(
                SUSPICIOUS, f"key:{error.key_id}", f"{error}: was the key stolen? backstay keys revoke {error.key_id}"
            )
        elif not isinstance(error, Forbidden) and (header := event.headers.get("authorization")):
            _look_into(http.source_ip, header.strip().rpartition(" ")[2])
    except (BotoCoreError, ClientError):
        logger().exception("a refused access could not be looked into")


def _look_into(source_ip: str, key: str) -> None:
    """A wrong key: perhaps one try of many, perhaps forged."""
    if is_key(key) and services().key_store.is_forged(key):
        key_id = key_id_of(key)
        text = (
            f"Somebody at {source_ip} shows a key with the id of {key_id} and another secret: forged, or long replaced"
        )
        _tell(SUSPICIOUS, f"key:{key_id}", text)
    rule, caller = services().rules[TOO_OFTEN], re.sub(r"[^0-9a-fA-F.:]", "-", source_ip)
    if not rule.enabled or _was_told(caller):
        return
    tries = services().failed_tries(timedelta(minutes=rule.minutes or 0)).note(caller)
    if tries >= (rule.threshold or 0):
        text = f"{tries} requests from {source_ip} within {rule.minutes} minutes showed a key that is not valid"
        _tell(TOO_OFTEN, caller, f"{text}: is it a program with an old key, or somebody who guesses?")


def _tell(rule: str, source: str, text: str) -> None:
    from backstay.alerts.reporting import report

    if _was_told(source):
        return
    report(rule, source, text)
    _told[source] = time.monotonic()
    _told.move_to_end(source)
    while len(_told) > _MOST_REMEMBERED:
        _told.popitem(last=False)


def _was_told(source: str) -> bool:
    return time.monotonic() - _told.get(source, float("-inf")) < _TOLD_AGAIN_AFTER_S
