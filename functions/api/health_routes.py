"""Whether the house is well, and for whom."""

from typing import Annotated

from pydantic import Field

from backstay.access.caller import Caller
from backstay.access.key import EVERY_TENANT, Scope

from .gate import ANYONE_OR_KEY, routes
from .house_shapes import HouseHealth, ReasonShape, StatusName, health_of, reasons_of
from .services import services
from .shapes import Shape

router = routes()


class KeyInfo(Shape):
    """What the key that was shown may do."""

    id: str
    tenant: Annotated[str, Field(description="Whose work it may touch; `*` for all.")]
    scopes: list[str]
    has_webhook_secret: bool


class Health(Shape):
    """Without a key, the status only."""

    status: StatusName
    stage: str | None = None
    tasks: list[str] | None = None
    key: KeyInfo | None = None
    reasons: Annotated[list[ReasonShape] | None, Field(description="For a key of every tenant that may read.")] = None
    health: Annotated[HouseHealth | None, Field(description="For a key that may read; its tenant's.")] = None


@router.get("/health", security=ANYONE_OR_KEY, tags=["operation"], summary="Is it well?")
def health() -> Health:
    """`degraded`: work goes on, and somebody should look; `unhealthy`: it does not. At most ten seconds old.

    Needs no key. With one, says also which stage and tasks this is, and what the key may do; with one that may read,
    how each part does, and with one of every tenant, why the status is what it is.
    """
    caller: Caller | None = router.context.get("caller")
    from .house import read_house
    from .verdict import judge

    house = services().recent_house.state()
    verdict = judge(house)
    if caller is None:
        return Health(status=verdict.status.value)
    from .submitting import visible_tasks

    may_read, tenant = Scope.READ in caller.scopes, None if caller.tenant == EVERY_TENANT else caller.tenant
    return Health(
        status=verdict.status.value,
        stage=services().env.stage,
        tasks=list(visible_tasks()),
        key=KeyInfo(
            id=caller.key_id,
            tenant=caller.tenant,
            scopes=sorted(caller.scopes),
            has_webhook_secret=caller.webhook_secret_name is not None,
        ),
        reasons=reasons_of(verdict) if may_read and tenant is None else None,
        health=health_of(read_house(tenant) if tenant else house, tenant) if may_read else None,
    )
