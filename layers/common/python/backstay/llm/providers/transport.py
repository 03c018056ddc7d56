"""HTTP below the SDKs: one pool for all of them, and a deadline for the whole of an answer."""

import functools
import logging
import time
from collections.abc import Iterator
from typing import cast

import httpx2

_LIMITS = httpx2.Limits(
    max_connections=100,
    max_keepalive_connections=20,
    keepalive_expiry=5,  # a Lambda that slept longer finds its connections dead
)
_CONNECT_TIMEOUT_S = 5.0


def timeouts(whole_s: float) -> httpx2.Timeout:
    """What to pass with a call that must end within so many seconds."""
    return httpx2.Timeout(whole_s, connect=min(_CONNECT_TIMEOUT_S, whole_s))


@functools.cache
def http_client() -> httpx2.Client:
    """The process's one client: making a TLS context for each SDK would cost tens of milliseconds more."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it writes a line for every request
    return httpx2.Client(
        transport=DeadlineTransport(httpx2.HTTPTransport(limits=_LIMITS)),
        follow_redirects=False,  # a redirect to another host would take the API key along
    )


class DeadlineTransport(httpx2.BaseTransport):
    """Ends an answer that has not arrived whole within its read timeout, which by itself bounds each pause only."""

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        whole_s = request.extensions.get("timeout", {}).get("read")
        deadline = time.monotonic() + whole_s if whole_s else float("inf")
        response = self._inner.handle_request(request)
        response.stream = _Timed(cast("httpx2.SyncByteStream", response.stream), deadline, request)
        return response

    def close(self) -> None:
        self._inner.close()


class _Timed(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, deadline: float, request: httpx2.Request) -> None:
        self._inner, self._deadline, self._request = inner, deadline, request

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("the answer did not end in time", request=self._request)
            yield chunk

    def close(self) -> None:
        self._inner.close()
