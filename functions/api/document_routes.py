"""The API's own description: the OpenAPI document, and Swagger UI to read and try it."""

from typing import Any, cast

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types

from .gate import ANYONE, routes

router = routes()

# Swagger UI brings its script and style in the page itself; nothing is loaded from anywhere else.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:;"
    " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@router.get("/openapi.json", security=ANYONE, include_in_schema=False)
def openapi() -> Response[Any]:
    """The OpenAPI 3.1 document."""
    return Response(status_code=200, content_type=content_types.APPLICATION_JSON, body=_document(), compress=True)


@router.get("/docs", security=ANYONE, include_in_schema=False)
def docs() -> Response[Any]:
    """Swagger UI."""
    from .document import page

    return Response(
        status_code=200,
        content_type="text/html; charset=utf-8",
        body=page(_document()),
        headers={"Content-Security-Policy": _POLICY},
        compress=True,
    )


def _document() -> str:
    from .document import document
    from .submitting import visible_tasks

    app = cast("APIGatewayHttpResolver", router.api_resolver)
    return document(app, visible_tasks())
