"""Which trace a piece of work belongs to, and what of it came before; as W3C, X-Ray and a job's record write it."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_ROOT = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})")
_SPAN_ID = re.compile(r"[0-9a-f]{16}")
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A place in a trace that is recorded. What isn't recorded has no context at all."""

    trace_id: str
    """32 hexadecimal digits in lower case, not all zero."""
    span_id: str | None = None
    """16 of them: the parent of what comes next. None where nothing came before."""

    @classmethod
    def of_text(cls, text: str) -> "TraceContext":
        """As `text` wrote it."""
        trace_id, _, span_id = text.partition("-")
        return cls(trace_id, span_id or None)

    @property
    def text(self) -> str:
        """As a job's record keeps it."""
        return f"{self.trace_id}-{self.span_id}" if self.span_id else self.trace_id

    @property
    def xray_id(self) -> str:
        """The trace's id as X-Ray writes it."""
        return f"1-{self.trace_id[:8]}-{self.trace_id[8:]}"

    @property
    def xray_header(self) -> str:
        """As AWS services hand it on, such as the SQS message attribute `AWSTraceHeader`."""
        parent = f";Parent={self.span_id}" if self.span_id else ""
        return f"Root={self.xray_id}{parent};Sampled=1"


def begun(now: datetime) -> TraceContext:
    """A trace that begins here. X-Ray wants to read its time from its id."""
    return TraceContext(f"{int(now.timestamp()):08x}{secrets.token_hex(12)}")


def fresh_span_id() -> str:
    """An id that no other span of the trace has."""
    return secrets.token_hex(8)


def of_traceparent(header: str | None) -> TraceContext | None:
    """What a caller's `traceparent` header asks to go on with; None where it asks for nothing, or is none."""
    found = _TRACEPARENT.fullmatch(header or "")
    if not found or not int(found[3], 16) & _SAMPLED or not int(found[1], 16) or not int(found[2], 16):
        return None
    return TraceContext(found[1], found[2])


def of_xray_header(header: str | None) -> TraceContext | None:
    """What another AWS service asks to go on with; None where it asks for nothing, or is none."""
    fields = dict(part.strip().split("=", 1) for part in (header or "").split(";") if "=" in part)
    root, parent = _ROOT.fullmatch(fields.get("Root", "")), fields.get("Parent", "")
    if fields.get("Sampled") != "1" or root is None:
        return None
    return TraceContext(root[1] + root[2], parent if _SPAN_ID.fullmatch(parent) else None)
