"""What an alarm's state is, as CloudWatch reckons it: over its own dimensions, period by period. Pure."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Point = Mapping[str, Any]
"""One measured value with its `Timestamp`, in seconds."""

_BEGINS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_MISSING = {"notBreaching": False, "breaching": True}


def state_of(
    alarm: Mapping[str, Any],
    points: Sequence[Point],
    value_of: Callable[[Sequence[Point]], float | None],
    now: float,
) -> str:
    """`ALARM`, `OK`, or the state that it is in where nothing was measured and that is no news.

    Args:
        alarm: as it was put.
        points: what was measured of its metric, with its dimensions.
        value_of: the alarm's statistic of some of the points.
        now: in seconds, as the points' times.
    """
    period, periods = float(alarm["Period"]), int(alarm["EvaluationPeriods"])
    parts: list[list[Point]] = [[] for _ in range(periods)]
    for point in points:
        age = int((now - point["Timestamp"]) // period)
        if 0 <= age < periods:
            parts[age].append(point)
    begins, threshold = _BEGINS[alarm["ComparisonOperator"]], float(alarm["Threshold"])
    values = [value_of(part) if part else None for part in parts]
    missing = _MISSING.get(alarm.get("TreatMissingData") or "")
    breaching = [missing if value is None else begins(value, threshold) for value in values]
    known = [one for one in breaching if one is not None]
    if not known:
        return str(alarm["StateValue"])
    needed = min(int(alarm.get("DatapointsToAlarm") or periods), len(known))
    return "ALARM" if sum(known) >= needed else "OK"
