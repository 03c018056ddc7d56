"""Pushes frames to open sockets: to each at most one a second, and only what is its audience's."""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto

from botocore.exceptions import BotoCoreError, ClientError

from backstay.clock import Clock, iso, utc_now
from backstay.live.changes import Changes
from backstay.live.connections import Connection, ConnectionStore
from backstay.telemetry import logger

_SIDE_BY_SIDE = 10


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


class Pusher:
    """Tells audiences what changed."""

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets

    def push(self, told: Mapping[str, Changes]) -> frozenset[str]:
        """Push to every audience whose turn it is; answers those that have been told within the last second."""
        waiting: dict[str, list[Connection]] = {}
        for connection in self._sockets.connections.all():
            if connection.audience in told and self._may_hear(connection):
                waiting.setdefault(connection.audience, []).append(connection)
        later = frozenset(audience for audience in waiting if not self._sockets.connections.take_turn(audience))
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            for audience in waiting.keys() - later:
                frame = frame_of(told[audience], iso(self._sockets.clock()))
                list(pool.map(lambda one, frame=frame: self._push(one, frame), waiting[audience]))
        return later

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


def coalesced(told: Iterable[tuple[str, Changes]]) -> dict[str, Changes]:
    """What is to be told, by audience."""
    found: dict[str, Changes] = {}
    for audience, changes in told:
        found[audience] = found.get(audience, Changes()).followed_by(changes)
    return found
