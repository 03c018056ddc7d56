"""Live updates: the ticket that opens a socket."""

import os
from typing import Annotated

from pydantic import Field

from backstay.access.key import Scope

from .gate import caller_of, event_of, needs, routes
from .services import services
from .shapes import Moment, Shape

router = routes()

LIVE_URL = "BACKSTAY_LIVE_URL"
"""Where sockets open."""


class TicketShape(Shape):
    """What opens one socket, once."""

    ticket: Annotated[str, Field(description="Stands in the socket's URL, where the key must not.")]
    url: Annotated[str, Field(description="Where to open the socket, with the ticket. The web page's name has it too.")]
    expires_at: Annotated[Moment, Field(description="By then it must have been opened.")]


@router.post(
    "/api/tickets", security=needs(Scope.READ), tags=["operation"], summary="Get a ticket for a socket", status_code=201
)
def create_ticket() -> TicketShape:
    """A WebSocket under it is told, once a second at most, which jobs, runs and alerts have changed: those of the key's
    tenant. It lasts for two hours at most, and is told no more once the key has ended."""
    from backstay.access.authenticator import digest_in

    key_hash = digest_in(event_of(router).headers.get("authorization"))
    ticket = services().connections.issue(caller_of(router).tenant, key_hash)
    return TicketShape(
        ticket=ticket.text, url=f"{os.environ[LIVE_URL]}?ticket={ticket.text}", expires_at=ticket.expires_at
    )
