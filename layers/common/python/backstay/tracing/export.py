"""Where spans go: into the function's log, where `backstay trace` finds them, and to X-Ray where the stage has it."""

import json
import os
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from backstay.telemetry import logger
from backstay.tracing.sampling import XRAY_VARIABLE
from backstay.tracing.spans import Span

SPANS_A_LINE = 50
"""A log event has room for 256 KB, and a call of X-Ray for so many documents."""


def export(spans: Sequence[Span]) -> None:
    """Hand over spans of one trace. What is lost on the way costs the work nothing."""
    for start in range(0, len(spans), SPANS_A_LINE):
        some = spans[start : start + SPANS_A_LINE]
        logger().info("spans", trace_id=some[0].context.trace_id, spans=[line_of(span) for span in some])
        if os.environ.get(XRAY_VARIABLE) == "1":
            _send(some)


def line_of(span: Span) -> dict[str, Any]:
    """A span as a log line holds it; times are milliseconds since 1970, UTC."""
    return {
        "id": span.context.span_id,
        "parent": span.parent_id,
        "name": span.name,
        "kind": str(span.kind),
        "service": span.service,
        "began_ms": round(span.began * 1000, 1),
        "ended_ms": round(span.ended * 1000, 1),
        "attributes": dict(span.attributes),
    }


def _send(spans: Sequence[Span]) -> None:
    from backstay import aws
    from backstay.tracing.xray import document_of

    try:
        answer = aws.xray().put_trace_segments(TraceSegmentDocuments=[json.dumps(document_of(span)) for span in spans])
    except (BotoCoreError, ClientError) as error:
        logger().warning("X-Ray did not take a trace", error=str(error))
        return
    if refused := answer.get("UnprocessedTraceSegments"):
        logger().warning("X-Ray refused part of a trace", refused=refused[:3])
