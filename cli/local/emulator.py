"""The AWS emulator, with its alarms mended: by itself it looks at a metric with any dimensions, and at one period.

Where it checks what functions may do, it notes what they do. Its Lambdas share their layers.

Served as `cli.local.emulator:app`.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ministack.app import app  # type: ignore[import-untyped]
from ministack.core import lambda_runtime  # type: ignore[import-untyped]
from ministack.services import cloudwatch, lambda_svc  # type: ignore[import-untyped]

from cli.local.alarms import Point, state_of
from cli.local.permissions import note_uses
from cli.local.shared_layers import with_shared_layers

__all__ = ["app"]

_FIRST_SEEN = ("INSUFFICIENT_DATA", "OK")
"""No news. AWS tells it, once for each new alarm; here it would be a hundred calls at every start."""


def evaluate(alarm: dict[str, Any]) -> None:
    """Bring an alarm's state up to date, and tell of a change as the emulator does."""
    name = alarm.get("Namespace"), alarm.get("MetricName")
    if not all(name):
        return  # over other alarms, or math
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))  # noqa: SLF001
    points = cloudwatch._metrics.get((*name, dimensions), [])  # noqa: SLF001
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"

    def value_of(some: Sequence[Point]) -> float | None:
        value: float | None = cloudwatch._stat_value(cloudwatch._calc_stats(some), statistic, some)  # noqa: SLF001
        return value

    before, now = alarm["StateValue"], state_of(alarm, points, value_of, time.time())
    if now != before:
        reason = f"Threshold Crossed: {statistic} against {alarm['Threshold']}"
        alarm |= {"StateValue": now, "StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
        cloudwatch._record_history(alarm["AlarmName"], before, now, reason)  # noqa: SLF001
        if (before, now) != _FIRST_SEEN:
            cloudwatch._dispatch_alarm_actions(alarm, before, now, reason)  # noqa: SLF001
        cloudwatch._evaluate_parent_alarms(alarm)  # noqa: SLF001


_spawn = lambda_runtime.Worker._spawn  # noqa: SLF001


def spawn(worker: Any) -> None:
    """Start a Lambda's process on shared layers."""
    config = worker.config
    root = Path(tempfile.gettempdir()) / "layers"
    worker.config = with_shared_layers(config, lambda_svc._resolve_layer_zip, root)  # noqa: SLF001
    try:
        _spawn(worker)
    finally:
        worker.config = config


lambda_runtime.Worker._spawn = spawn  # noqa: SLF001
cloudwatch._evaluate_alarm = evaluate  # noqa: SLF001
note_uses()
