"""What calls of providers measured: gathered in the process, and written as one line a provider and batch."""

import threading
from dataclasses import dataclass, field

from backstay.errors import ErrorClass
from backstay.receipt import Call
from backstay.telemetry import Metric, emit

_FAILED_PERCENT, _ANSWERED_PERCENT = 100, 0
_OF_THE_QUESTION = frozenset({ErrorClass.CONTEXT_LENGTH, ErrorClass.MODERATION, ErrorClass.INVALID_OUTPUT})
"""Failures that say nothing about how well a provider answers."""


@dataclass(slots=True)
class _Gathered:
    metrics: list[Metric] = field(default_factory=list)
    totals: dict[str, Metric] = field(default_factory=dict)
    """Of what is only ever added up: a value a batch, since every byte of a line is billed."""
    models: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)


class CallMetrics:
    """One process's."""

    def __init__(self) -> None:
        self._gathered: dict[str, _Gathered] = {}
        self._lock = threading.Lock()

    def answered(self, call: Call) -> None:
        """A provider answered."""
        self._add(
            call.provider,
            call.model,
            Metric("ModelCallFailed", _ANSWERED_PERCENT, "Percent"),
            Metric("ModelCallTime", call.latency_ms, "Milliseconds"),
            totals=(
                Metric("InputTokens", call.input_tokens),
                Metric("OutputTokens", call.output_tokens),
                Metric("CostUsd", float(call.cost_usd or 0), "None"),
            ),
        )

    def failed(self, provider: str, model: str, error_class: ErrorClass) -> None:
        """A provider was asked, and gave no answer of use."""
        failed = _ANSWERED_PERCENT if error_class in _OF_THE_QUESTION else _FAILED_PERCENT
        metrics = [Metric("ModelCallFailed", failed, "Percent")]
        if error_class is ErrorClass.RATE_LIMITED:
            metrics.append(Metric("RateLimited", 1))
        self._add(provider, model, *metrics, error_class=error_class)

    def looked_up(self, provider: str, *, found: bool) -> None:
        """An answer was looked for that may be used again; the average is the part that was found, in percent."""
        self._add(provider, "", Metric("CacheHit", 100 if found else 0, "Percent"))

    def emit(self) -> None:
        """Write what was gathered since the last time."""
        with self._lock:
            gathered, self._gathered = self._gathered, {}
        for provider, of in gathered.items():
            notes: dict[str, str | int] = {"models": " ".join(sorted(of.models))}
            if of.classes:
                notes["failures"] = " ".join(sorted(of.classes))
            emit([*of.metrics, *of.totals.values()], {"Provider": provider}, notes)

    def _add(
        self,
        provider: str,
        model: str,
        *metrics: Metric,
        totals: tuple[Metric, ...] = (),
        error_class: ErrorClass | None = None,
    ) -> None:
        with self._lock:
            of = self._gathered.setdefault(provider, _Gathered())
            of.metrics.extend(metrics)
            for one in totals:
                before = of.totals[one.name].value if one.name in of.totals else 0
                of.totals[one.name] = Metric(one.name, before + one.value, one.unit)
            if model:
                of.models.add(model)
            if error_class:
                of.classes.add(str(error_class))


call_metrics = CallMetrics()
"""This process's."""
