"""What becomes of an exception: always problem details, never a stack trace."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestUnsupportedContentType, RequestValidationError
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as AwsConnectionError

from backstay.access.caller import AccessError
from backstay.errors import BackstayError
from backstay.telemetry import logger

from .failures import refusal_of, refusal_of_findings
from .gate import event_of
from .problems import Kind, Refusal, answer_of
from .refused_access import note_refused_access
from .route_table import routes_of

_NOT_NOW = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Codes by which AWS says that the same request may succeed in a moment."""


class ErrorAnswers:
    """The exception handlers of one resolver."""

    def __init__(self, app: APIGatewayHttpResolver) -> None:
        self._app = app

    def register(self) -> None:
        """Let the resolver answer every exception with them. The handler of the nearest class wins."""
        handlers: dict[type[Exception], Callable[[Any], Response[str]]] = {
            Refusal: self._answer,
            BackstayError: self._ours,
            RequestValidationError: lambda error: self._answer(refusal_of_findings(error.errors())),
            RequestUnsupportedContentType: lambda _: self._answer(Refusal(Kind.UNSUPPORTED_MEDIA, "send JSON")),
            NotFoundError: lambda _: self._answer(self._no_route()),
            ClientError: self._aws,
            AwsConnectionError: self._aws,
            HTTPClientError: self._aws,
            Exception: self._unexpected,
        }
        for kind, handler in handlers.items():
            self._app.exception_handler(kind)(handler)

    def _answer(self, refusal: Refusal) -> Response[str]:
        event = event_of(self._app)
        return answer_of(refusal, event.path, event.request_context.request_id)

    def _ours(self, error: BackstayError) -> Response[str]:
        refusal = refusal_of(error)
        if refusal is None:
            return self._unexpected(error)
        if isinstance(error, AccessError):
            note_refused_access(event_of(self._app), self._app.context.get("caller"), error)
        return self._answer(refusal)

    def _aws(self, error: ClientError | AwsConnectionError | HTTPClientError) -> Response[str]:
        if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") not in _NOT_NOW:
            return self._unexpected(error)
        logger().warning("AWS can't answer now", exc_info=error)
        return self._answer(Refusal(Kind.UNAVAILABLE, "AWS can't answer now; try again", headers={"Retry-After": "1"}))

    def _unexpected(self, error: Exception) -> Response[str]:
        correlation_id = event_of(self._app).request_context.request_id
        logger().error("the API failed", exc_info=error)
        return self._answer(Refusal(Kind.INTERNAL, f"tell the operators the correlation id {correlation_id}"))

    def _no_route(self) -> Refusal:
        event = event_of(self._app)
        method, path = event.http_method.upper(), event.path
        allowed = ", ".join(sorted({route.method for route in routes_of(self._app) if route.rule.match(path)}))
        if not allowed:
            return Refusal(Kind.NOT_FOUND, f"there is no {path[:200]!r} here; GET /openapi.json lists what there is")
        detail = f"{method[:20]} does not exist for {path[:200]!r}; it has {allowed}"
        return Refusal(Kind.METHOD_NOT_ALLOWED, detail, headers={"Allow": allowed})
