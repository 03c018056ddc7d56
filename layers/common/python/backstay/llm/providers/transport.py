"""HTTP below the SDKs: one pool for all of them, a deadline for the whole of an answer, and a bound on its size."""

import functools
import logging
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, cast

import httpcore2
import httpx2

from backstay.llm.errors import Fault

_LIMITS = httpx2.Limits(
    max_connections=100,
    max_keepalive_connections=20,
    keepalive_expiry=5,  # a Lambda that slept longer finds its connections dead
)
_CONNECT_TIMEOUT_S = 5.0
_TALKATIVE = ("anthropic", "httpcore2", "httpx2", "openai")
"""Loggers that write a line for every request; at level debug with the prompt in it."""
LONGEST_ANSWER_BYTES = 16_000_000
"""Far beyond any model's longest answer."""


class EndlessAnswer(httpx2.TransportError):
    """The answer is longer than any that a model gives."""


def timeouts(whole_s: float) -> httpx2.Timeout:
    """What to pass with a call that must end within so many seconds."""
    return httpx2.Timeout(whole_s, connect=min(_CONNECT_TIMEOUT_S, whole_s))


@functools.cache
def http_client() -> httpx2.Client:
    """The process's one client: making a TLS context for each SDK would cost tens of milliseconds more."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx2.Client(
        transport=DeadlineTransport(_PooledTransport()),
        follow_redirects=False,  # a redirect to another host would take the API key along
    )


def fault_of(error: BaseException) -> Fault:
    """How a call failed, by its exception and what caused it. What is not the network's fault is the answer's."""
    causes = list(_causes(error))
    if any(isinstance(cause, EndlessAnswer) for cause in causes):
        return Fault.ENDLESS
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return Fault.UNKNOWN_HOST
    if any(isinstance(cause, (httpx2.ConnectTimeout, httpx2.PoolTimeout)) for cause in causes):
        return Fault.NO_CONNECTION_YET
    if any(isinstance(cause, httpx2.ConnectError) for cause in causes):
        return Fault.NO_CONNECTION
    if any(isinstance(cause, httpx2.TimeoutException) for cause in causes):
        return Fault.TIMEOUT
    if any(isinstance(cause, httpx2.TransportError) for cause in causes):
        return Fault.CONNECTION
    return Fault.MALFORMED


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


class _CallDeadline(threading.local):
    """When the call that this thread makes must have ended, in monotonic seconds."""

    at = float("inf")


_deadline = _CallDeadline()


class DeadlineTransport(httpx2.BaseTransport):
    """Ends an answer that has not arrived whole within its read timeout, which by itself bounds each pause only."""

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        whole_s = request.extensions.get("timeout", {}).get("read")
        _deadline.at = time.monotonic() + whole_s if whole_s else float("inf")
        response = self._inner.handle_request(request)
        response.stream = _Bounded(cast("httpx2.SyncByteStream", response.stream), _deadline.at, request)
        return response

    def close(self) -> None:
        self._inner.close()


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, deadline: float, request: httpx2.Request) -> None:
        self._inner, self._deadline, self._request = inner, deadline, request

    def __iter__(self) -> Iterator[bytes]:
        received = 0
        for chunk in self._inner:
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("the answer did not end in time", request=self._request)
            received += len(chunk)
            if received > LONGEST_ANSWER_BYTES:
                raise EndlessAnswer(f"more than {LONGEST_ANSWER_BYTES} bytes", request=self._request)
            yield chunk

    def close(self) -> None:
        self._inner.close()


class _PooledTransport(httpx2.HTTPTransport):
    """The usual one over streams that know the call's deadline: headers may trickle too, and a pause may never end."""

    def __init__(self) -> None:
        super().__init__()
        self._pool.close()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            max_connections=_LIMITS.max_connections,
            max_keepalive_connections=_LIMITS.max_keepalive_connections,
            keepalive_expiry=_LIMITS.keepalive_expiry,
            network_backend=_DeadlineBackend(),
        )


class _DeadlineBackend(httpcore2.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        return _DeadlineStream(self._inner.connect_tcp(host, port, timeout, local_address, socket_options))


class _DeadlineStream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore2.WriteTimeout))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()


def _left(timeout_s: float | None, late: type[Exception]) -> float | None:
    left_s = _deadline.at - time.monotonic()
    if left_s <= 0:
        raise late("the call did not end in time")
    if left_s == float("inf"):
        return timeout_s
    return left_s if timeout_s is None else min(timeout_s, left_s)
