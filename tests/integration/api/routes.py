"""Every route that the API has, so that a test over all of them covers tomorrow's too."""

import re
import sys
from dataclasses import dataclass

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.api_gateway import Route

from api.application import Api
from api.gate import SCHEME
from api.route_table import routes_of
from backstay.access.key import Scope


@dataclass(frozen=True, slots=True)
class Known:
    """One route."""

    method: str
    path: str
    """With something in place of each variable."""
    scopes: frozenset[Scope]
    """Any of which opens it; none for a route without a key."""
    is_open: bool
    """Whether it answers without a key too."""

    @property
    def body(self) -> dict[str, bool] | None:
        """A body that fits no route, where one may come."""
        return {"nonsense": True} if self.method in {"POST", "PUT", "PATCH"} else None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def as_route(route: Route) -> Known:
    """What tests need to know of a route of the resolver."""
    needs = [dict(need) for need in route.security or [{SCHEME: []}]]
    scopes = frozenset(Scope(name) for need in needs for name in need.get(SCHEME, ()))
    return Known(route.method, re.sub(r"<\w+>", "a.b", route.path), scopes, is_open={} in needs)


def _resolver() -> APIGatewayHttpResolver:
    """The handler's, where it has been made: routes belong to the resolver that took them last."""
    handler = sys.modules.get("api.handler")
    resolver: APIGatewayHttpResolver = handler._api.resolver if handler else Api().resolver
    return resolver


ALL = routes_of(_resolver())
ROUTES = [as_route(route) for route in ALL]
CLOSED = [route for route in ROUTES if not route.is_open]
EVERY_SCOPE = frozenset(Scope)
