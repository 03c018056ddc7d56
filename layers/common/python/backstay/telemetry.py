"""Logs and metrics. One line of embedded metrics a batch or request, since every line is billed."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

NAMESPACE = "Backstay"


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured value; equal names in one emission become one metric with several values."""

    name: str
    value: float
    unit: str = "Count"


@functools.cache
def logger() -> "Logger":
    """The function's logger: JSON lines, the service named by POWERTOOLS_SERVICE_NAME."""
    from aws_lambda_powertools import Logger

    return Logger()


def emit(
    metrics: Iterable[Metric], dimensions: Mapping[str, str], notes: Mapping[str, str | int] | None = None
) -> None:
    """Write metrics as one line in embedded metric format. Notes can be searched in the log, and are no dimensions."""
    from aws_lambda_powertools.metrics import EphemeralMetrics

    # The function's name, which Powertools would add, is no dimension: alarms ask for those that are given here alone.
    sink = EphemeralMetrics(namespace=NAMESPACE, service="")
    for name, note in (notes or {}).items():
        sink.add_metadata(name, note)
    for name, value in dimensions.items():
        sink.add_dimension(name, value)
    empty = True
    for metric in metrics:
        sink.add_metric(metric.name, metric.unit, metric.value)
        empty = False
    if not empty:
        sink.flush_metrics()
