"""Connections to addresses that were checked, and to no other, ended when their time is over."""

import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from urllib3.connection import HTTPConnection, HTTPSConnection

from backstay.outbound.addresses import Address
from backstay.outbound.urls import Target

# On answers with odd headers urllib3 warns with the whole URL, and a query may hold secrets.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


class Leash:
    """Ends a connection after so many seconds, however slowly the other side drips.

    A socket's timeout only bounds the wait for the next byte.
    """

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._pull)
        self._timer.daemon = True
        self._held: socket.socket | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._held:
                self._held.close()
                self._held = None

    @property
    def remaining_s(self) -> float:
        """Seconds until the end; never below 0."""
        return max(0.0, self._ends - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return self.remaining_s == 0

    def hold(self, connected: socket.socket) -> None:
        """Take hold of a connection, by a descriptor of its own: TLS takes the socket's away."""
        with self._lock:
            self._held = socket.socket(fileno=os.dup(connected.fileno()))
        if self.is_over:
            self._pull()

    def _pull(self) -> None:
        with self._lock:
            if self._held is None:
                return
            try:
                self._held.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # the other side has ended it already


class _Pinned(HTTPConnection):
    """Connects to the given addresses in turn. urllib3 would look the name up again, and might be told another one."""

    addresses: Sequence[Address]
    leash: Leash
    connect_s: float

    def _new_conn(self) -> socket.socket:
        last: OSError = TimeoutError("no time was left to connect")
        for address in self.addresses:
            seconds = min(self.connect_s, self.leash.remaining_s)
            if seconds == 0:
                break
            try:
                connected = socket.create_connection((str(address), self.port), timeout=seconds)
            except OSError as error:
                last = error
                continue
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.leash.hold(connected)
            return connected
        raise last


class _PinnedTLS(_Pinned, HTTPSConnection):
    """The same with TLS, whose certificate must be for the name in the URL."""


def open_connection(
    target: Target, addresses: Sequence[Address], leash: Leash, connect_s: float, trust: ssl.SSLContext
) -> HTTPConnection:
    """Connect.

    Args:
        target: gives Host header, SNI and the name that the certificate must have.
        addresses: checked; tried in this order.
        leash: ends the connection.
        connect_s: seconds for each address, and for each step of TLS.
        trust: the certificate authorities, for https.

    Raises:
        OSError: no address could be connected to, or the certificate is not right (ssl.SSLError).
        urllib3.exceptions.HTTPError: the same, as urllib3 says it.
    """
    connection: _Pinned
    if target.scheme == "https":
        connection = _PinnedTLS(target.host, target.port, timeout=connect_s, ssl_context=trust)
    else:
        connection = _Pinned(target.host, target.port, timeout=connect_s)
    connection.addresses, connection.leash, connection.connect_s = addresses, leash, connect_s
    try:
        connection.connect()
    except BaseException:
        connection.close()
        raise
    return connection
