"""Every benchmark, in the order in which they run: what is computed comes after what it is computed from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench import (
    alerts,
    beside_litellm,
    cold_start,
    costs,
    declarations,
    guard_calls,
    hot_budget,
    idle,
    items,
    llm_calls,
    overhead,
    page,
    saga_steps,
    speedup,
    stats_growth,
    throughput,
    usage_shapes,
)
from bench.figures import Figure
from bench.run import Run


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One measurement that gives one or more figures."""

    names: tuple[str, ...]
    """Of its figures, as they stand in results.json."""
    measure: Callable[[Run], list[Figure]]


BENCHMARKS = tuple(
    Benchmark(module.NAMES, module.measure)
    for module in (
        items,
        speedup,
        cold_start,
        overhead,
        llm_calls,
        beside_litellm,
        guard_calls,
        hot_budget,
        costs,
        usage_shapes,
        idle,
        declarations,
        saga_steps,
        throughput,
        alerts,
        stats_growth,
        page,
    )
)
NAMES = tuple(name for benchmark in BENCHMARKS for name in benchmark.names)


class UnknownFigureError(Exception):
    """Nothing measures a figure of this name."""


def chosen(only: str | None) -> Iterator[Benchmark]:
    """The benchmarks that give the figure of this name, or all.

    Raises:
        UnknownFigureError: lists the figures that there are.
    """
    if only is not None and only not in NAMES:
        raise UnknownFigureError(f"nothing measures {only!r}; the figures are {', '.join(NAMES)}")
    return (benchmark for benchmark in BENCHMARKS if only is None or only in benchmark.names)
