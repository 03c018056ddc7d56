"""Requests that bring work as the first spans of the work's traces."""

from collections.abc import Callable, Mapping
from typing import Any

from backstay.tracing.sampling import Sampling
from backstay.tracing.spans import ERROR_TYPE, SpanKind, gathering, span

_SERVICE = "api"
_HEADER = "traceparent"


def traced(event: Mapping[str, Any], answer: Callable[[], tuple[dict[str, Any], str]]) -> dict[str, Any]:
    """Answer a request. Where it brings work that is to be traced, it becomes the first span of the trace.

    Args:
        event: the request, payload format 2.0.
        answer: answers it; tells the answer, and the route that it took.
    """
    asked_for = event["headers"].get(_HEADER)
    context = Sampling.read().of_request(asked_for) if event["requestContext"]["http"]["method"] == "POST" else None
    with gathering(context, _SERVICE) as spans, span("request", SpanKind.SERVER) as request:
        answered, request.name = answer()
        status = int(answered["statusCode"])
        request.attributes |= {"http.response.status_code": status, "http.route": request.name.partition(" ")[2]}
        if status >= 500:
            request.attributes[ERROR_TYPE] = str(status)
    if asked_for or len(spans) > 1:  # nobody looks for a request that brought no work
        _export(spans)
    return answered


def _export(spans: list[Any]) -> None:
    from backstay.tracing.export import export

    export(spans)
