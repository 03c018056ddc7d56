"""The gate in front of every route: who is calling, and may they? What a route needs stands in its `security`."""

from collections.abc import Callable
from typing import Any, cast

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from backstay.access.caller import Caller, Forbidden
from backstay.access.key import EVERY_TENANT, Scope

from .bodies import check_body
from .services import services

SCHEME = "apiKey"
"""The security scheme's name in the OpenAPI document."""

Security = list[dict[str, list[str]]]

ANYONE: Security = [{}]
"""A route that needs no key."""

ANYONE_OR_KEY: Security = [{}, {SCHEME: []}]
"""A route that needs no key and tells more with one."""


def needs(*scopes: Scope) -> Security:
    """A route that needs a key with one of these scopes."""
    return [{SCHEME: [str(scope)]} for scope in scopes]


def gate(app: APIGatewayHttpResolver, next_middleware: Callable[..., Response[Any]]) -> Response[Any]:
    """Let a request through to its route, or raise why not. Comes before the request is validated.

    A route that declares nothing is treated as one that needs a key.

    Raises:
        Unauthenticated: the route needs a key, and there is no valid one.
        Forbidden: the key has none of the scopes that the route needs.
        Refusal: the body is none that a route could read.
    """
    security: Security = app.context["_route"].security or [{SCHEME: []}]
    header = app.current_event.headers.get("authorization")
    if header or {} not in [dict(requirement) for requirement in security]:
        caller = services().authenticator.check(header)
        app.context["caller"] = caller
        if scopes := frozenset(Scope(scope) for requirement in security for scope in requirement.get(SCHEME, ())):
            caller.require_any(scopes)
    check_body(app.current_event)
    return next_middleware(app)


def routes() -> Router:
    """An empty group of routes."""
    return Router()  # type: ignore[no-untyped-call]


def event_of(router: Router | APIGatewayHttpResolver) -> APIGatewayProxyEventV2:
    """The request that is being answered, as API Gateway sent it."""
    return cast("APIGatewayProxyEventV2", router.current_event)


def caller_of(router: Router) -> Caller:
    """Who sent the request that is being answered."""
    caller: Caller = router.context["caller"]
    return caller


def require_every_tenant(caller: Caller, what: str) -> None:
    """Make sure that the key may act for all tenants, for what concerns all of them.

    Raises:
        Forbidden: it belongs to one tenant.
    """
    if caller.tenant != EVERY_TENANT:
        raise Forbidden(f"{what} concerns every tenant; key {caller.key_id} belongs to {caller.tenant!r} alone")
