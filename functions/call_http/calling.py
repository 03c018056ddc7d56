"""One try of one call: through the breaker of each host that it comes to, along redirects, to an answer."""

import json
import time

from backstay.circuits import host_circuit
from backstay.clock import Clock, utc_now
from backstay.errors import NotNow
from backstay.outbound.refusal import AddressRefusedError
from backstay.outbound.sender import Bounds, Request, Response, Sends
from backstay.outbound.urls import parse_url
from backstay.resilience.breaker import CircuitBreaker
from backstay.task import Job
from backstay.telemetry import Metric, emit

from .answers import LARGEST_BODY_BYTES, body_of, check_answer, media_type_of
from .charging import Charging
from .header_secrets import HeaderSecrets, Resolved
from .models import HttpAnswer, HttpCall
from .redirects import Hop, next_hop

_MARGIN_S = 2.0
_SHORTEST_S = 0.1
_CONNECT_S = 3.0
_TOO_MANY = 429


class Calling:
    """Makes calls.

    Args:
        sender: sends single requests, each checked.
        secrets: resolves headers.
        breaker: holds calls back from hosts that are down.
        charging: takes what calls cost from budgets.
        clock: UTC, for a `Retry-After` that names a date.
    """

    def __init__(
        self,
        sender: Sends,
        secrets: HeaderSecrets,
        breaker: CircuitBreaker,
        charging: Charging,
        clock: Clock = utc_now,
    ) -> None:
        self._sender, self._secrets, self._breaker = sender, secrets, breaker
        self._charging, self._clock = charging, clock

    def call(self, wanted: HttpCall, job: Job) -> HttpAnswer:
        """Make one try.

        Raises:
            NotNow, UnreachableError, CircuitOpen: a later try may do better; costs no attempt.
            BudgetExceeded, BudgetHeld: there is no money for it now.
            Rejected, AddressRefusedError: none will.
            WorkError: nobody has priced the operation (`unpriced`).
        """
        began = time.monotonic()
        ends = began + min(wanted.timeout_s, max(_SHORTEST_S, job.remaining_s - _MARGIN_S))
        resolved = self._secrets.resolve(wanted.headers, job.tenant)
        hop = first_hop(wanted, resolved, job.id)
        with self._charging.charged(wanted, job, ends - time.monotonic()) as charge:
            response = self._send(hop, ends)
            while response.status not in wanted.expected_status and (following := next_hop(hop, response)):
                hop = following
                response = self._send(hop, ends)
            charge.answered(response.status)
            check_answer(response, wanted.expected_status, resolved.secrets, self._clock())
        return HttpAnswer(
            status=response.status,
            content_type=media_type_of(response),
            body=body_of(response, resolved.secrets),
            body_bytes=len(response.body),
            origin=response.origin,
            redirects=hop.number,
            duration_ms=round((time.monotonic() - began) * 1000),
        )

    def _send(self, hop: Hop, ends: float) -> Response:
        left_s = ends - time.monotonic()
        if left_s < _SHORTEST_S:
            raise NotNow(f"the time for the call was over after {hop.number} redirects")
        bounds = Bounds(min(_CONNECT_S, left_s), left_s, left_s, LARGEST_BODY_BYTES)
        admission = self._breaker.admit(host_circuit(parse_url(hop.url).host))
        with admission:
            try:
                response = self._sender.send(Request(hop.url, hop.method, hop.headers, hop.body, bounds))
            except AddressRefusedError:
                admission.abandoned()  # nobody was asked
                raise
            if response.status >= 500:
                admission.failed()
            if response.status == _TOO_MANY:
                emit([Metric("RateLimited", 1)], {"Provider": parse_url(hop.url).host})
        return response


def first_hop(wanted: HttpCall, resolved: Resolved, job_id: str) -> Hop:
    """The request that the caller asks for. Every try of a job carries the same key, which is the job's id."""
    body: bytes | None = None
    headers = {"Idempotency-Key": job_id}
    if wanted.has_json:
        body, headers["Content-Type"] = json.dumps(wanted.json_body).encode(), "application/json"
    elif wanted.text is not None:
        body, headers["Content-Type"] = wanted.text.encode(), "text/plain; charset=utf-8"
    return Hop(wanted.method, wanted.url, {**headers, **resolved.headers}, body)
