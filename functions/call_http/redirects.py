"""Where a redirect leads, and what goes along. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urljoin

from backstay.errors import Rejected
from backstay.outbound.sender import Response
from backstay.outbound.urls import parse_url

MOST_REDIRECTS = 5

_SAME_METHOD = (307, 308)
_REDIRECTS = (301, 302, 303, *_SAME_METHOD)
_FIT_FOR_STRANGERS = frozenset({"Accept", "Content-Type", "Idempotency-Key"})


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of a call, which may be followed by others."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """Names in the usual spelling, such as `Content-Type`."""
    body: bytes | None = field(default=None, repr=False)
    number: int = 0
    """How many redirects led here."""


def next_hop(hop: Hop, response: Response) -> Hop | None:
    """The request that an answer redirects to, or None where it is no redirect.

    Raises:
        Rejected: there have been too many.
    """
    location = response.headers.get("location")
    if response.status not in _REDIRECTS or not location:
        return None
    if hop.number == MOST_REDIRECTS:
        raise Rejected(f"{response.origin} redirects once more after {MOST_REDIRECTS} redirects; give the final URL")
    url = urljoin(hop.url, location)
    following = replace(hop, url=url, number=hop.number + 1)
    if parse_url(url).origin != parse_url(hop.url).origin:
        # What the caller sends to one place, its secrets above all, is not for another.
        fit = {name: value for name, value in hop.headers.items() if name in _FIT_FOR_STRANGERS}
        following = replace(following, headers=fit)
    return following if response.status in _SAME_METHOD else _without_body(following, response.status)


def _without_body(hop: Hop, status: int) -> Hop:
    """As browsers do: 303 asks for a GET, 301 and 302 for one where there was a POST."""
    if hop.method == "HEAD" or (status != 303 and hop.method != "POST"):
        return hop
    headers = {name: value for name, value in hop.headers.items() if name != "Content-Type"}
    return replace(hop, method="GET", headers=headers, body=None)
