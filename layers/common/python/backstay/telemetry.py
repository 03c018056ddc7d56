"""Logs and metrics. One line of embedded metrics a batch or request, since every line is billed."""

import contextvars
import functools
import json
import logging
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backstay.errors import BackstayError
from backstay.redaction import hide_secrets

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

NAMESPACE = "Backstay"
LOG_LEVEL = "POWERTOOLS_LOG_LEVEL"


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured value; equal names in one emission become one metric with several values."""

    name: str
    value: float
    unit: str = "Count"


class MetricError(BackstayError):
    """A metric that CloudWatch would not take as it is meant; the text says why."""


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_UNITS = frozenset(
    {"Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Percent"}
    | {"Count", "Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Count/Second", "None"}
)
_OF_WORKERS = re.compile(r"RunTime|QueueWait|Jobs[A-Z].*")
"""What workers and the stream measure by task themselves."""


def teams_metric(name: str, value: float, unit: str) -> Metric:
    """A metric of a team's own.

    Raises:
        MetricError: its name, value or unit can't be one.
    """
    if not _NAME.fullmatch(name):
        raise MetricError(f"metric {name[:100]!r}: a name has a-z, A-Z, 0-9 and _, and starts with a letter")
    if _OF_WORKERS.fullmatch(name):
        raise MetricError(f"metric {name!r} is measured by Backstay itself; take another name")
    if not math.isfinite(value):
        raise MetricError(f"metric {name!r} has the value {value}, and must have a finite number")
    if unit not in _UNITS:
        raise MetricError(f"metric {name!r} has the unit {unit[:100]!r}; take one of {', '.join(sorted(_UNITS))}")
    return Metric(name, value, unit)


JOB_KEY = "job_id"
"""Correlates log lines: the id of the job that a line is about."""

_subject: contextvars.ContextVar[dict[str, str] | None] = contextvars.ContextVar("log_subject", default=None)


@contextmanager
def speaking_of(**keys: str) -> Iterator[None]:
    """Every log line that is written inside carries these keys, besides those of what is around."""
    token = _subject.set({**(_subject.get() or {}), **keys})
    try:
        yield
    finally:
        _subject.reset(token)


def name_subject(**keys: str) -> None:
    """Add what has just become known of what the surrounding `speaking_of` is about, in whichever thread it did."""
    if (subject := _subject.get()) is not None:
        subject.update(keys)


class _Subject(logging.Filter):
    """Puts the keys of what is spoken of into each line; what the line says itself wins."""

    def filter(self, record: logging.LogRecord) -> bool:
        for key, value in (_subject.get() or {}).items():
            if key not in record.__dict__:
                setattr(record, key, value)
        return True


@functools.cache
def logger() -> "Logger":
    """The function's logger: JSON lines without secrets, the service named by POWERTOOLS_SERVICE_NAME.

    POWERTOOLS_LOG_LEVEL, which is `log_level` of backstay.toml, says from which level on. Powertools alone would go by
    Lambda's own level, which must let metrics pass.
    """
    from aws_lambda_powertools import Logger

    made = Logger(json_serializer=_line)
    made.addFilter(_Subject())
    if level := os.environ.get(LOG_LEVEL):
        logging.getLogger(made.service).setLevel(level)
    return made


def _line(entry: Mapping[str, object]) -> str:
    return hide_secrets(json.dumps(entry, default=str, separators=(",", ":"), ensure_ascii=False))


def name_subject_in_all_logs() -> None:
    """Let lines of other loggers, such as a task's own, carry the keys of what they are about too."""
    for handler in logging.getLogger().handlers:  # the Lambda runtime's, which writes extra keys into its JSON
        handler.addFilter(_Subject())


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
