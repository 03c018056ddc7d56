"""A WebSocket API on this machine: real sockets, opened and closed by the real function."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from live.handler import handler

_PATIENCE_S = 20.0


@dataclass
class SocketGateway:
    """What a test holds of it."""

    url: str = ""
    is_cut: bool = False
    """While it is, no socket opens."""
    _open: set[ServerConnection] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def push(self, frame: bytes) -> None:
        """Send a frame over every open socket, once there is one.

        Raises:
            TimeoutError: none opens.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._open, _PATIENCE_S):
                raise TimeoutError("no socket is open")
            sockets = tuple(self._open)
        for one in sockets:
            one.send(frame.decode())

    def cut(self) -> None:
        """Close all sockets, and open none until `mend`."""
        with self._changed:
            self.is_cut = True
            sockets = tuple(self._open)
        for one in sockets:
            one.close()

    def mend(self) -> None:
        """Let sockets open again."""
        self.is_cut = False

    def take(self, connection: ServerConnection, request: Request) -> Response | None:
        """Ask the function whether a socket may open; answers why not."""
        if self.is_cut:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "cut")
        ticket = parse_qs(urlsplit(request.path).query).get("ticket", [""])[0]
        event = _event("CONNECT", str(connection.id)) | {"queryStringParameters": {"ticket": ticket}}
        status = handler(event, None)["statusCode"]
        return None if status == HTTPStatus.OK else connection.respond(HTTPStatus(status), "refused")

    def keep(self, connection: ServerConnection) -> None:
        """Hold a socket until its other end closes it."""
        with self._changed:
            if self.is_cut:
                return
            self._open.add(connection)
            self._changed.notify_all()
        try:
            for _ in connection:
                pass  # what a watcher says is nothing to anybody
        except ConnectionClosed:
            pass  # as people do who close their laptops
        finally:
            with self._changed:
                self._open.remove(connection)
            handler(_event("DISCONNECT", str(connection.id)), None)


@contextmanager
def serving() -> Iterator[SocketGateway]:
    """A gateway that runs."""
    gateway = SocketGateway()
    server = serve(gateway.keep, "127.0.0.1", 0, process_request=gateway.take, compression=None)
    gateway.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/live"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield gateway
    gateway.cut()
    server.shutdown()
    thread.join()


def _event(kind: str, connection_id: str) -> dict[str, object]:
    return {"requestContext": {"eventType": kind, "connectionId": connection_id}}
