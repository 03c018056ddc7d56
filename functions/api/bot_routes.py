"""Bots: how each user's answers."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from backstay.access.key import Scope
from backstay.chats.bot import Bot

from .chat_names import chat_name
from .gate import caller_of, needs, routes
from .problems import Kind, Refusal
from .services import services
from .shapes import TenantName

router = routes()

UserId = Annotated[str, Path(description="Whose bot: 1 to 128 of A-Z a-z 0-9 _ + . : @ -", max_length=400)]
Tenant = Annotated[TenantName | None, Query(description="Whose user.")]


@router.put("/api/bots/<user_id>", security=needs(Scope.SUBMIT), tags=["chats"], summary="Set a user's bot")
def put_bot(user_id: UserId, bot: Bot, tenant: Tenant = None) -> Bot:
    """In the place of what it was, all of it. Messages that are sent from now on are answered by it."""
    services().chats.put_bot(caller_of(router).tenant_for(tenant), chat_name("user_id", user_id), bot)
    return bot


@router.get("/api/bots/<user_id>", security=needs(Scope.READ), tags=["chats"], summary="Read a user's bot")
def get_bot(user_id: UserId, tenant: Tenant = None) -> Bot:
    """As it was set. A user without one is answered as backstay.toml says."""
    found = services().chats.bot(caller_of(router).tenant_for(tenant), chat_name("user_id", user_id))
    if found is None:
        raise Refusal(Kind.NOT_FOUND, f"user {user_id[:100]!r} has no bot; PUT one here")
    return found
