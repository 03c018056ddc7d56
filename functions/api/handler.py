"""The Lambda behind the HTTP API's one route."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backstay.cold_start import uncollected

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

with uncollected():
    from backstay import aws
    from backstay.telemetry import Metric, emit, speaking_of

    from .application import Api
    from .tracing import traced

    _api = Api()
    aws.dynamodb()  # made while the Lambda starts, where time is cheapest: every request but /health needs it


def handler(event: Mapping[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Answer one request of an HTTP API, payload format 2.0."""
    began = time.perf_counter()
    with speaking_of(correlation_id=event["requestContext"]["requestId"]):
        answer = traced(event, lambda: (_api.answer(event, context), _api.route))
    _measure(_api.route, int(answer["statusCode"]), (time.perf_counter() - began) * 1000)
    return answer


def _measure(route: str, status: int, duration_ms: float) -> None:
    """One line a request. The status is a note, since every dimension's value is a metric to pay for."""
    metrics = [Metric("RequestDuration", round(duration_ms, 2), "Milliseconds")]
    if status >= 500:
        metrics.append(Metric("ServerErrors", 1))
    elif status >= 400:
        metrics.append(Metric("ClientErrors", 1))
    emit(metrics, {"Route": route}, {"status": status})
