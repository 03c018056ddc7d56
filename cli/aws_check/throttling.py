"""More requests at once than the API lets through: some may be turned away, none may break."""

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx

from cli.aws_check.finding import Finding, Verdict
from cli.aws_check.ground import Ground

NAME = "throttling"
REQUESTS = 600
_AT_ONCE = 60
_NO_ANSWER = 0


def findings(ground: Ground) -> Iterator[Finding]:
    """Ask for /health as often and as fast as this machine can."""
    limits = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE)
    with httpx.Client(limits=limits, timeout=40, trust_env=not ground.target.is_local) as http:

        def ask(_: int) -> int:
            try:
                return http.get(f"{ground.target.api_url}/health").status_code
            except httpx.TransportError:
                return _NO_ANSWER

        with ThreadPoolExecutor(_AT_ONCE) as threads:
            yield from judge(Counter(threads.map(ask, range(REQUESTS))))


def judge(statuses: Mapping[int, int]) -> Iterator[Finding]:
    """What the answers show.

    Args:
        statuses: how often each HTTP status came; 0 for no answer at all.
    """
    measured = ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(statuses.items()))
    served = set(statuses) <= {200, 429}
    broken = Verdict.PROVED if served else Verdict.REFUTED
    yield Finding(NAME, "under a burst the API answers or says that it is too much, and never breaks", broken, measured)
    throttled = Verdict.PROVED if 429 in statuses else Verdict.NOT_SHOWN
    yield Finding(NAME, "the API's throttle holds", throttled, "" if 429 in statuses else "this burst was within it")
