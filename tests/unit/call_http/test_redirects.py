"""Redirects: where they lead, and what goes along."""

import pytest

from backstay.errors import Rejected
from backstay.outbound.sender import Response
from call_http.redirects import MOST_REDIRECTS, Hop, next_hop

HEADERS = {
    "Authorization": "Bearer s3cr3t",
    "Content-Type": "application/json",
    "Idempotency-Key": "default.abc",
    "X-Tenant": "acme",
}


def hop(method="POST", **more):
    return Hop(method, "https://api.example.com/a/b?x=1", HEADERS, b"{}", **more)


def redirect(status=302, location="https://api.example.com/c"):
    headers = {"location": location} if location is not None else {}
    return Response("https://api.example.com:443", status, headers, b"")


@pytest.mark.parametrize("status", [200, 204, 304, 404, 500])
def test_only_redirects_are_followed(status):
    assert next_hop(hop(), redirect(status)) is None


def test_a_redirect_to_nowhere_is_an_answer():
    assert next_hop(hop(), redirect(location=None)) is None


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/c", "https://api.example.com/c"),
        ("c?y=2", "https://api.example.com/a/c?y=2"),
        ("//other.example.com/c", "https://other.example.com/c"),
        ("http://169.254.169.254/latest", "http://169.254.169.254/latest"),
    ],
)
def test_a_location_is_read_from_where_one_is(location, url):
    assert next_hop(hop(), redirect(location=location)).url == url


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 303, "GET"),
        ("HEAD", 303, "HEAD"),
        ("PUT", 302, "PUT"),
        ("DELETE", 301, "DELETE"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
    ],
)
def test_methods_follow_as_in_browsers(method, status, then):
    following = next_hop(hop(method), redirect(status))
    assert following.method == then
    if then == method != "HEAD":
        assert (following.body, following.headers) == (b"{}", HEADERS)
    if then == "GET":
        assert following.body is None
        assert "Content-Type" not in following.headers


@pytest.mark.parametrize(
    "location", ["https://other.example.com/", "https://api.example.com:8443/", "http://api.example.com/"]
)
def test_what_is_meant_for_one_place_is_not_sent_to_another(location):
    following = next_hop(hop(), redirect(307, location))
    assert set(following.headers) == {"Content-Type", "Idempotency-Key"}


def test_redirects_come_to_an_end():
    following = hop()
    for _ in range(MOST_REDIRECTS):
        following = next_hop(following, redirect(307))
    assert following.number == MOST_REDIRECTS
    with pytest.raises(Rejected, match="give the final URL"):
        next_hop(following, redirect(307))


def test_neither_url_nor_headers_nor_body_show():
    shown = repr(Hop("POST", "https://api.example.com/?token=t0ken", {"Authorization": "s3cr3t"}, b"b0dy"))
    assert not any(word in shown for word in ("t0ken", "s3cr3t", "b0dy"))
