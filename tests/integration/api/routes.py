"""Every route that the API has, so that a test over all of them covers tomorrow's too."""

import re
from dataclasses import dataclass

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


def _known() -> list[Known]:
    found = []
    for route in routes_of(Api().resolver):
        needs = [dict(need) for need in route.security or [{SCHEME: []}]]
        scopes = frozenset(Scope(name) for need in needs for name in need.get(SCHEME, ()))
        path = re.sub(r"<\w+>", "a.b", route.path)
        found.append(Known(route.method, path, scopes, {} in needs))
    return found


ROUTES = _known()
CLOSED = [route for route in ROUTES if not route.is_open]
EVERY_SCOPE = frozenset(Scope)
