"""A WebSocket's way through the page's server: its handshake goes on to where sockets open, and then bytes do."""

import contextlib
import socket
import threading
from collections.abc import Mapping
from email.message import Message
from urllib.parse import urlsplit

_CHUNK = 65_536
_PATIENCE_S = 10.0


def wants_socket(headers: "Message[str, str]") -> bool:
    """Whether a request asks to become a WebSocket."""
    return headers.get("Upgrade", "").lower() == "websocket"


def lead(visitor: socket.socket, url: str, query: str, headers: "Message[str, str]") -> None:
    """Carry a WebSocket from its handshake to its end.

    Args:
        visitor: the connection on which it was asked for.
        url: where sockets open, `ws://host:port/path`.
        query: of the visitor's URL, with its ticket.
        headers: the visitor's.

    Raises:
        OSError: nothing answers there; the visitor has heard nothing yet.
    """
    place = urlsplit(url)
    address = (place.hostname or "", place.port or 80)
    with socket.create_connection(address, timeout=_PATIENCE_S) as gateway:
        gateway.settimeout(None)
        sent = {name: value for name, value in headers.items() if name.lower() != "host"}
        gateway.sendall(_handshake(f"{place.path}?{query}", {"Host": place.netloc, **sent}))
        back = threading.Thread(target=_carry, args=(gateway, visitor), daemon=True)
        back.start()
        _carry(visitor, gateway)
        back.join()


def _handshake(path: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Until one of the two is closed, which closes the other: a socket half of which is gone is of no use."""
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
