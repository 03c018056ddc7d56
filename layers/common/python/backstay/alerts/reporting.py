"""What a process sees that people should hear of. Telling them never costs the work that is under way."""

import os

from botocore.exceptions import BotoCoreError, ClientError

from backstay.alerts.announcing import UnannouncedError, announce
from backstay.alerts.occurrence import Kind, Occurrence, Severity
from backstay.clock import utc_now
from backstay.telemetry import logger


def report(
    rule: str,
    source: str,
    text: str,
    *,
    kind: Kind = Kind.HAPPENED,
    severity: Severity | None = None,
    tenant: str | None = None,
    **details: str,
) -> None:
    """Tell of it; where that fails, the log does. Outside of a stage there is nobody to tell.

    Args:
        rule: such as `api.circuit_breaker`.
        source: what it is about, such as a circuit.
        text: one sentence for a person, with what to do.
        kind: whether it begins, ends, or just happened.
        severity: how much it matters; by default as the rule says, and a warning where there is no such rule.
        tenant: whose work it is about.
        details: what else helps to find out.
    """
    if not (stage := os.environ.get("BACKSTAY_STAGE")):
        return
    seen = Occurrence(rule, source, kind, utc_now(), text, severity, details, tenant=tenant)
    try:
        announce(stage, seen)
    except (BotoCoreError, ClientError, UnannouncedError):
        logger().exception("people could not be told", rule=rule, source=source, text=text)
