"""What a status means for the job."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.errors import Disposition, NotNow, Rejected
from backstay.outbound.sender import Response
from backstay.outbound.verdict import check_status, read_retry_after

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def answered(status: int, body: bytes = b"", **headers: str) -> Response:
    return Response("https://h.example:443", status, headers, body)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_done(status: int) -> None:
    check_status(answered(status), NOW)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_parked(status: int) -> None:
    with pytest.raises(NotNow, match=str(status)) as error:
        check_status(answered(status), NOW)
    assert error.value.failure.error_class.disposition is Disposition.PARK
    assert error.value.failure.retry_after_s is None


def test_what_the_other_side_asks_to_wait_is_waited() -> None:
    with pytest.raises(NotNow) as error:
        check_status(Response("https://h.example:443", 429, {"retry-after": "120"}, b""), NOW)
    assert error.value.failure.retry_after_s == 120


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 301, 302, 307, 304])
def test_what_will_not_pass_is_rejected(status: int) -> None:
    with pytest.raises(Rejected, match=rf"answered {status}"):
        check_status(answered(status), NOW)


def test_a_rejection_shows_the_first_2048_characters_of_the_body() -> None:
    with pytest.raises(Rejected) as error:
        check_status(answered(410, ("é" * 2_048 + "the rest").encode()), NOW)
    assert str(error.value) == "https://h.example:443 answered 410: " + "é" * 2_048


def test_a_body_of_broken_text_is_shown_as_far_as_it_goes() -> None:
    with pytest.raises(Rejected, match="ab\ufffd"):
        check_status(answered(400, b"ab\xff"), NOW)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        (" 30 ", 30.0),
        ("999999999", 86_400.0),
        ("-5", None),
        ("1e9", None),
        ("soon", None),
        ("", None),
        ("Wed, 25 Nov 2026 12:01:30 GMT", 90.0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        ("Wed, 25 Nov 2099 11:00:00 GMT", 86_400.0),
        ("Wed, 25 Nov 2026 12:01:30 -0000", 90.0),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert read_retry_after(header, NOW) == seconds


@given(st.text(max_size=30))
def test_any_retry_after_is_bounded_or_ignored(header: str) -> None:
    wait_s = read_retry_after(header, NOW)
    assert wait_s is None or 0 <= wait_s <= 86_400
