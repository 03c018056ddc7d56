"""Circuit breakers: how they stand, and closing one by hand."""

from typing import Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Path

from backstay.access.key import Scope

from .breaker_shapes import BreakerShape, breaker_of
from .gate import caller_of, needs, require_every_tenant, routes
from .services import services
from .shapes import Shape

router = routes()


class Breakers(Shape):
    """Every provider's and every listed host's."""

    breakers: list[BreakerShape]


@router.get("/api/breakers", security=needs(Scope.READ), tags=["operation"], summary="List circuit breakers")
def list_breakers() -> Breakers:
    """Concerns every tenant, so the key must too."""
    require_every_tenant(caller_of(router), "the state of breakers")
    return Breakers(breakers=[breaker_of(stats) for stats in services().circuits.list()])


@router.post(
    "/api/breakers/<name>/reset", security=needs(Scope.OPERATE), tags=["operation"], summary="Close a circuit breaker"
)
def reset_breaker(
    name: Annotated[str, Path(description="Such as `provider:openai` or `host:api.example.com`.")],
) -> BreakerShape:
    """With nothing counted, whoever holds it open: a failure, used-up credit, or a person. Concerns every tenant."""
    require_every_tenant(caller_of(router), "resetting a breaker")
    return breaker_of(services().circuits.reset(unquote(name)))
