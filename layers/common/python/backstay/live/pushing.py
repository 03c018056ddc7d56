"""Pushes frames to open sockets: to each at most one a second, and only what is its audience's."""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from botocore.exceptions import BotoCoreError, ClientError

from backstay.clock import Clock, iso, utc_now
from backstay.live.changes import Changes
from backstay.live.connections import Connection, ConnectionStore
from backstay.telemetry import logger

STALE_AFTER = timedelta(seconds=10)
"""By then, whoever watches has asked by themselves."""

_SIDE_BY_SIDE = 10
_MOST_REMEMBERED = 1_000


class Outcome(Enum):
    """What became of a frame."""

    SENT = auto()
    GONE = auto()
    """The socket is closed; nobody told us."""


Post = Callable[[str, bytes], Outcome]
"""Sends a text to a connection by its id; raises what the AWS client raises."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """What pushing works with."""

    connections: ConnectionStore
    stands: Callable[[str], bool]
    """Whether an API key, by its hash, still opens the door."""
    post: Post
    clock: Clock = utc_now


@dataclass(frozen=True, slots=True)
class Message:
    """What one audience is to be told, as it lay in the queue."""

    id: str
    audience: str
    changes: Changes
    sent_at: datetime


class Pusher:
    """Tells audiences what changed. What comes too soon is held: the next frame that this process sends carries it, or
    else the message itself, when it comes again."""

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets
        self._held: dict[str, dict[str, Message]] = {}
        self._told: OrderedDict[str, None] = OrderedDict()

    def push(self, messages: Iterable[Message]) -> frozenset[str]:
        """Push to every audience whose turn it is; answers which messages must come again, for it is not theirs yet."""
        fresh = [message for message in messages if message.id not in self._told]
        for message in fresh:
            self._held.setdefault(message.audience, {})[message.id] = message
        waiting = self._waiting({message.audience for message in fresh})
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            for audience, connections in waiting.items():
                if self._sockets.connections.take_turn(audience) and (frame := self._frame_for(audience)):
                    list(pool.map(lambda one, frame=frame: self._push(one, frame), connections))
        return frozenset(message.id for message in fresh if message.id in self._held.get(message.audience, {}))

    def _waiting(self, audiences: AbstractSet[str]) -> dict[str, list[Connection]]:
        """Who may hear it, by audience. What nobody waits for is dropped."""
        waiting: dict[str, list[Connection]] = {}
        for connection in self._sockets.connections.all():
            if connection.audience in audiences and self._may_hear(connection):
                waiting.setdefault(connection.audience, []).append(connection)
        for audience in audiences - waiting.keys():
            self._held.pop(audience)
        return waiting

    def _frame_for(self, audience: str) -> bytes | None:
        """All that is held for an audience, which is told with it; None where all of it is stale."""
        now, changes = self._sockets.clock(), Changes()
        held = self._held.pop(audience)
        fresh = [message for message in held.values() if message.sent_at > now - STALE_AFTER]
        for message in fresh:
            changes = changes.followed_by(message.changes)
        self._told.update(dict.fromkeys(held))
        while len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)
        return frame_of(changes, iso(now)) if fresh else None

    def _may_hear(self, connection: Connection) -> bool:
        if self._sockets.stands(connection.key_hash):
            return True
        self._sockets.connections.close(connection.id)
        return False

    def _push(self, connection: Connection, frame: bytes) -> None:
        """One that can't be told now asks by itself before long, and is told the next time."""
        try:
            if self._sockets.post(connection.id, frame) is Outcome.GONE:
                self._sockets.connections.close(connection.id)
        except (BotoCoreError, ClientError):
            logger().warning("a socket could not be told", exc_info=True)


def frame_of(changes: Changes, at: str) -> bytes:
    """The text of a frame."""
    return json.dumps({"type": "changes", "at": at, **changes.to_plain()}, separators=(",", ":")).encode()
