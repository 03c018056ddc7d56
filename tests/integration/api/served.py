"""The handler as a WSGI application, so that tools which speak HTTP can ask it without a server."""

import base64
from collections.abc import Callable, Iterable
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def as_wsgi(handler: Callable[..., dict[str, Any]]) -> Wsgi:
    """Turns each request into the event that an HTTP API would send, and the answer back."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = handler(_event(environ), SimpleNamespace(aws_request_id="lambda-1", function_name="api"))
        status = HTTPStatus(answer["statusCode"])
        start_response(f"{status.value} {status.phrase}", [(k, str(v)) for k, v in answer["headers"].items()])
        body = answer["body"] or ""
        return [base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()]

    return app


def _event(environ: dict[str, Any]) -> dict[str, Any]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    headers = {  # without what asks for compression: werkzeug's client would not unpack it
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if (name.startswith("HTTP_") and name != "HTTP_ACCEPT_ENCODING") or (name == "CONTENT_TYPE" and value)
    }
    query = environ.get("QUERY_STRING", "")
    # Gateway joins what is repeated with commas.
    parameters = {name: ",".join(values) for name, values in parse_qs(query, keep_blank_values=True).items()}
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "stage": "$default",
            "requestId": "request-1",
            "http": {
                "method": environ["REQUEST_METHOD"],
                "path": path,
                "sourceIp": "192.0.2.1",
                "protocol": "HTTP/1.1",
            },
        },
        "isBase64Encoded": bool(body),
    }
    if parameters:
        event["queryStringParameters"] = parameters
    if body:
        event["body"] = base64.b64encode(body).decode()
    return event
