"""Requests that bring work as the first spans of the work's traces."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backstay.tracing.context import TraceContext

_SERVICE, _HEADER = "api", "traceparent"
_Answer = Callable[[], tuple[dict[str, Any], str]]


def traced(event: Mapping[str, Any], answer: _Answer) -> dict[str, Any]:
    """Answer a request. Where it brings work that is to be traced, it becomes the first span of the trace.

    Args:
        event: the request, payload format 2.0.
        answer: answers it; tells the answer, and the route that it took.
    """
    if event["requestContext"]["http"]["method"] != "POST":
        return answer()[0]
    from backstay.tracing.sampling import Sampling

    asked_for = event["headers"].get(_HEADER)
    context = Sampling.read().of_request(asked_for)
    return _in_trace(context, answer, wanted=asked_for is not None) if context else answer()[0]


def _in_trace(context: "TraceContext", answer: _Answer, *, wanted: bool) -> dict[str, Any]:
    from backstay.tracing.export import export
    from backstay.tracing.spans import ERROR_TYPE, SpanKind, gathering, span

    with gathering(context, _SERVICE) as spans, span("request", SpanKind.SERVER) as request:
        answered, request.name = answer()
        status = int(answered["statusCode"])
        request.attributes |= {"http.response.status_code": status, "http.route": request.name.partition(" ")[2]}
        if status >= 500:
            request.attributes[ERROR_TYPE] = str(status)
    if wanted or len(spans) > 1:  # nobody looks for a request that brought no work
        export(spans)
    return answered
