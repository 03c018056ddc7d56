"""What an answer means for the job, and what of it is given back."""

from datetime import UTC, datetime

import pytest

from backstay.errors import NotNow, Rejected
from backstay.outbound.sender import Response
from call_http.answers import LARGEST_BODY_BYTES, body_of, check_answer, hide

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def answer(status=200, body=b"", kind="application/json", *, whole=True, **headers):
    return Response("https://a.example:443", status, {"content-type": kind, **headers}, body, whole)


def check(response, expected=(), secrets=()):
    check_answer(response, expected, secrets, NOW)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_success_is_what_is_expected_without_a_word(status):
    check(answer(status))


@pytest.mark.parametrize("status", [302, 404, 409, 503])
def test_any_status_is_right_that_is_expected(status):
    check(answer(status), expected=(status,))


def test_a_success_that_was_not_expected_is_refused():
    with pytest.raises(Rejected, match="answered 202, where 200, 201 is right: later"):
        check(answer(202, b"later"), expected=(200, 201))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_waits_and_costs_no_attempt(status):
    with pytest.raises(NotNow, match=f"answered {status}") as raised:
        check(answer(status, **{"retry-after": "7"}))
    assert raised.value.failure.retry_after_s == 7


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422])
def test_other_statuses_fail_with_the_beginning_of_the_body(status):
    with pytest.raises(Rejected) as raised:
        check(answer(status, b"x" * 3_000))
    assert f"answered {status}: " + "x" * 2_048 in str(raised.value)
    assert "x" * 2_049 not in str(raised.value)


def test_an_answer_over_the_limit_fails_and_one_that_broke_off_is_asked_for_again():
    with pytest.raises(Rejected, match="more than 256 kB"):
        check(answer(body=b"x" * LARGEST_BODY_BYTES, whole=False))
    with pytest.raises(NotNow, match="broke off"):
        check(answer(body=b"x" * 10, whole=False))


@pytest.mark.parametrize(
    ("kind", "body", "value"),
    [
        ("application/json", b'{"a": [1, null]}', {"a": [1, None]}),
        ("application/problem+json; charset=utf-8", b'"x"', "x"),
        ("application/json", b"", None),
        ("text/plain", "grün".encode(), "grün"),
        ("text/plain; charset=latin-1", "grün".encode("latin-1"), "grün"),
        ("text/plain; charset=nonsense", "grün".encode(), "grün"),
        ("text/html", b"<p>", "<p>"),
        ("application/xml", b"<a/>", "<a/>"),
        ("application/atom+xml", b"<a/>", "<a/>"),
        ("image/png", b"\x89PNG", None),
        ("application/octet-stream", b"\x00", None),
    ],
)
def test_json_text_and_xml_come_as_such_and_nothing_else(kind, body, value):
    assert body_of(answer(body=body, kind=kind), ()) == value


def test_an_answer_without_a_type_has_no_body():
    assert body_of(Response("https://a.example:443", 200, {}, b"?"), ()) is None


@pytest.mark.parametrize("body", [b"<html>", b"{", b"NaN", b"[" * 100_000])
def test_json_that_is_none_is_refused(body):
    with pytest.raises(Rejected, match="that is none"):
        body_of(answer(body=body), ())


def test_a_secret_that_comes_back_is_hidden():
    echo = answer(body=b'{"authorization": "Bearer s3\\"cr3t"}')
    assert body_of(echo, ('Bearer s3"cr3t',)) == {"authorization": "[secret]"}
    with pytest.raises(Rejected) as raised:
        check(answer(401, b"bad key s3cr3t"), secrets=("s3cr3t",))
    assert "s3cr3t" not in str(raised.value)
    assert hide("abc", ("a",)) == "abc"
