"""One exchange with a host that somebody else named: checked, pinned, bounded in time and size."""

import contextlib
import functools
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Protocol

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from backstay.outbound.addresses import Address
from backstay.outbound.connection import Leash, open_connection
from backstay.outbound.policy import Policy, leads_inside
from backstay.outbound.refusal import AddressRefusedError, Reason
from backstay.outbound.resolving import Resolver, UnreachableError, resolve
from backstay.outbound.urls import Target, parse_url
from backstay.running import Job, current_job
from backstay.telemetry import Metric, emit, logger
from backstay.tracing.spans import OpenSpan, SpanKind, span

USER_AGENT = "Backstay/0.1"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one exchange may take."""

    connect_s: float = 3.0
    """For each address, in seconds."""
    read_s: float = 10.0
    """Between two bytes."""
    total_s: float = 15.0
    """From the look-up of the name to the last byte."""
    body_bytes: int = 262_144
    """Of the answer; what is longer is cut."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. URL, headers and body never show in logs."""

    url: str = field(repr=False)
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    bounds: Bounds = Bounds()


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, a redirect too: whoever follows it sends another request, which is checked like the first."""

    origin: str
    """Scheme, host and port that answered; fit to be shown."""
    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(repr=False)
    is_whole: bool = True
    """False where the body was cut: longer than its bound, broken off, or too slow."""


class Sends(Protocol):
    """What sends requests."""

    def send(self, request: Request) -> Response:
        """As `Sender.send` does."""


class Sender:
    """Sends requests to hosts that others named. May be shared between threads.

    Args:
        policy: where requests may go.
        resolver: from name to addresses; asked once a request.
        trust: certificate authorities; the system's by default.
    """

    def __init__(self, policy: Policy, resolver: Resolver = resolve, trust: ssl.SSLContext | None = None) -> None:
        self._policy, self._resolver, self._given_trust = policy, resolver, trust

    def send(self, request: Request) -> Response:
        """Make one exchange. Follows no redirect, retries nothing.

        Raises:
            AddressRefusedError: the URL, or an address to which it leads, may not be called; a security event.
            UnreachableError: no connection, no right certificate, or no answer in time.
        """
        with span(request.method, SpanKind.CLIENT) as asked:
            asked.attributes["http.request.method"] = request.method
            response = self._send(request, asked)
            asked.attributes["http.response.status_code"] = response.status
        return response

    def _send(self, request: Request, asked: OpenSpan) -> Response:
        ends = time.monotonic() + request.bounds.total_s
        try:
            target, addresses = self._find(request)
        except AddressRefusedError as error:
            _report(error, request.url)
            raise
        asked.attributes["server.address"] = target.host
        with Leash(ends - time.monotonic()) as leash:
            return self._exchange(target, addresses, request, leash)

    def _find(self, request: Request) -> tuple[Target, tuple[Address, ...]]:
        target = parse_url(request.url)
        self._policy.check_target(target)
        addresses = self._resolver(target.host, target.port, request.bounds.connect_s)
        self._policy.check_addresses(target, addresses)
        return target, addresses

    def _exchange(self, target: Target, addresses: tuple[Address, ...], request: Request, leash: Leash) -> Response:
        bounds, is_connected = request.bounds, False
        try:
            connection = open_connection(target, addresses, leash, bounds.connect_s, self._trust)
            is_connected = True
            with contextlib.closing(connection):
                answer = _ask(connection, target, request)
                if leash.is_over:
                    raise TimeoutError("the answer's head was cut off")
                body, is_whole = _read(answer, bounds.body_bytes)
        except (OSError, HTTPError, HTTPException) as error:
            cause = f"no answer within {bounds.total_s:.1f} s" if leash.is_over else f"{type(error).__name__}: {error}"
            message = f"{target.origin} did not answer: {cause}"
            raise UnreachableError(message, maybe_heard=is_connected) from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(target.origin, answer.status, headers, body, is_whole and not leash.is_over)

    @functools.cached_property
    def _trust(self) -> ssl.SSLContext:
        return self._given_trust or ssl.create_default_context()


def _ask(connection: HTTPConnection, target: Target, request: Request) -> HTTPResponse:
    connection.timeout = request.bounds.read_s
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close", **request.headers}
    # Who refuses a body may answer and close before all of it is sent; the answer is there all the same.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request(
            request.method, target.path, request.body, headers, preload_content=False, decode_content=False
        )
    return connection.getresponse()


def _read(answer: HTTPResponse, limit: int) -> tuple[bytes, bool]:
    """The body and whether it is whole. That it breaks off does not undo the status, which has been given."""
    body = bytearray()
    try:
        while len(body) <= limit and (piece := answer.read1(limit + 1 - len(body))):
            body += piece
    except (OSError, HTTPError, HTTPException):
        return bytes(body[:limit]), False
    return bytes(body[:limit]), len(body) <= limit


_MISTAKES = frozenset({Reason.MALFORMED, Reason.INSECURE, Reason.NOT_LISTED})
"""What whoever wrote a URL may have done in good faith."""


def _report(error: AddressRefusedError, url: str) -> None:
    job = current_job.get()
    logger().warning(
        "security event: a call to an address that may not be called was refused",
        kind="address_refused",
        reason=str(error.reason),
        detail=str(error),
        job_id=job.id if job else None,
        tenant=job.tenant if job else None,
    )
    emit([Metric("SecurityEvents", 1)], {"Kind": "address_refused"})
    if error.reason not in _MISTAKES or leads_inside(url):
        _tell_people(error, job)


def _tell_people(error: AddressRefusedError, job: Job | None) -> None:
    from backstay.alerts.reporting import report

    tenant = job.tenant if job else None
    text = (
        f"A call to an address that may not be called was refused ({error.reason}); see what named it:"
        f" {f'backstay jobs show {job.id}' if job else 'the log of the function'}"
    )
    report("security.suspicious_activity", f"address:{tenant or 'backstay'}", text, tenant=tenant, detail=str(error))
