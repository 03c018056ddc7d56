"""Whether the API is there, and for whom."""

from typing import Annotated, Literal

from pydantic import Field

from backstay.access.caller import Caller

from .gate import ANYONE_OR_KEY, routes
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

    status: Literal["ok"] = "ok"
    stage: str | None = None
    tasks: list[str] | None = None
    key: KeyInfo | None = None


@router.get("/health", security=ANYONE_OR_KEY, tags=["operation"], summary="Is it up?")
def health() -> Health:
    """Needs no key. With one, says also which stage and tasks this is, and what the key may do."""
    caller: Caller | None = router.context.get("caller")
    if caller is None:
        return Health()
    from .submitting import visible_tasks

    return Health(
        stage=services().env.stage,
        tasks=list(visible_tasks()),
        key=KeyInfo(
            id=caller.key_id,
            tenant=caller.tenant,
            scopes=sorted(caller.scopes),
            has_webhook_secret=caller.webhook_secret_name is not None,
        ),
    )
