"""Spans as X-Ray's segment documents."""

import re
from typing import Any

from backstay.tracing.spans import ERROR_TYPE, Span, SpanKind

_SEGMENTS = frozenset({SpanKind.SERVER, SpanKind.CONSUMER})
"""Work that a service was asked for; the rest is work within such work."""

_NOT_IN_NAMES = re.compile(r"[^\w\s.:/%&#=+\\@-]", re.ASCII)
_SERVER, _HOST, _PROVIDER = "backstay", "server.address", "gen_ai.provider.name"
_INDEXED = {"backstay.job.id": "job_id", "backstay.task": "task", "backstay.tenant": "tenant"}
"""What traces can be found by in X-Ray, as annotations."""


def document_of(span: Span) -> dict[str, Any]:
    """One segment, or one subsegment that is sent by itself. Attributes stand in `metadata` under their own names."""
    is_segment = span.kind in _SEGMENTS or span.parent_id is None  # a subsegment must have a parent
    document: dict[str, Any] = {
        "trace_id": span.context.xray_id,
        "id": span.context.span_id,
        "name": _name_of(span, is_segment=is_segment),
        "start_time": span.began,
        "end_time": span.ended,
        "metadata": {"otel": {"span.name": span.name, "span.kind": str(span.kind), **span.attributes}},
    }
    if span.parent_id:
        document["parent_id"] = span.parent_id
    if annotations := {key: span.attributes[name] for name, key in _INDEXED.items() if name in span.attributes}:
        document["annotations"] = annotations
    if ERROR_TYPE in span.attributes:
        document["fault"] = True
    if not is_segment:
        document["type"] = "subsegment"
    if span.kind is SpanKind.CLIENT:
        document["namespace"] = "remote"
    return document


def _name_of(span: Span, *, is_segment: bool) -> str:
    """Segments and remote calls are nodes of X-Ray's map: named after who they are, not after what they do."""
    if is_segment:
        name = f"{_SERVER}-{span.service}"
    else:
        remote = span.attributes.get(_PROVIDER) or span.attributes.get(_HOST) if span.kind is SpanKind.CLIENT else None
        name = str(remote or span.name)
    return _NOT_IN_NAMES.sub("_", name)[:200]
