"""Which work is traced: what its caller asks for, and a small part of the rest."""

import hashlib
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backstay.clock import Clock, utc_now
from backstay.tracing.context import TraceContext, begun, of_traceparent, of_xray_header

SAMPLE_VARIABLE = "BACKSTAY_TRACE_SAMPLE"
"""The part that is traced unasked, 0 to 1. Not set, or 0: nothing is, whoever asks."""

XRAY_VARIABLE = "BACKSTAY_TRACE_XRAY"
"""Set to `1` where spans go to X-Ray too, and not into the log alone."""

_IDS = 1 << 64


@dataclass(frozen=True, slots=True)
class Sampling:
    """Decides for one process."""

    part: float
    draw: Callable[[], float] = random.random
    clock: Clock = utc_now

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Sampling":
        """As the stack says."""
        return cls(float(environment.get(SAMPLE_VARIABLE) or 0))

    def of_request(self, traceparent: str | None) -> TraceContext | None:
        """The trace of a request that brings work."""
        return self._asked_for(of_traceparent(traceparent)) or self._drawn()

    def of_message(self, xray_header: str | None) -> TraceContext | None:
        """The trace of a message that brings work straight to a queue."""
        return self._asked_for(of_xray_header(xray_header)) or self._drawn()

    def of_run(self, run_id: str) -> TraceContext | None:
        """The trace of a saga's run. It follows from the run's id, so that all of its steps share it."""
        digest = hashlib.sha256(run_id.encode()).hexdigest()
        return TraceContext(digest[:32]) if int(digest[-16:], 16) < self.part * _IDS else None

    def _asked_for(self, context: TraceContext | None) -> TraceContext | None:
        return context if self.part > 0 else None

    def _drawn(self) -> TraceContext | None:
        return begun(self.clock()) if self.part > 0 and self.draw() < self.part else None
