"""Prometheus' text format, version 0.0.4: pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured value."""

    value: float
    labels: Mapping[str, str]
    suffix: str = ""
    """`_sum` and `_count` of a summary."""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with all of its values; without any it is left out."""

    name: str
    help: str
    kind: Literal["gauge", "counter", "summary"]
    samples: tuple[Sample, ...]


def summed(labels: Mapping[str, str], total: float, count: float) -> tuple[Sample, Sample]:
    """What a summary without quantiles consists of."""
    return Sample(total, labels, "_sum"), Sample(count, labels, "_count")


def text(families: Iterable[Family]) -> str:
    """All of it, in the order given."""
    return "".join(f"{line}\n" for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} {family.kind}"
    for sample in family.samples:
        yield f"{family.name}{sample.suffix}{_labels(sample.labels)} {_number(sample.value)}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
