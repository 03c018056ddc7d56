"""Signing and verifying, held to the reference library of Standard Webhooks."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from backstay.clock import utc_now
from backstay.webhooks import ForgedWebhookError, signed_headers, verify

OLD = "whsec_" + "b2xk" * 11
NEW = "whsec_" + "bmV3" * 11
STRANGE = "whsec_" + "eHl6" * 11
BODY = json.dumps({"type": "job.completed", "timestamp": "2026-11-25T12:00:00.000Z", "data": {"job_id": "a.b"}})


def test_the_reference_library_verifies_what_is_signed() -> None:
    headers = signed_headers("msg_1", utc_now(), BODY, [NEW])
    assert Webhook(NEW).verify(BODY, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(STRANGE).verify(BODY, headers)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_while_rotating_a_receiver_with_either_secret_is_served(secret: str) -> None:
    headers = signed_headers("msg_1", utc_now(), BODY, [NEW, OLD])
    assert len(headers["webhook-signature"].split(" ")) == 2
    Webhook(secret).verify(BODY, headers)
    assert verify(BODY.encode(), headers, [secret]).id == "msg_1"


def test_a_verified_webhook_is_an_event() -> None:
    headers = {name.title(): value for name, value in signed_headers("msg_1", utc_now(), BODY, [OLD]).items()}
    event = verify(BODY.encode(), headers, [NEW, OLD])
    assert (event.id, event.type, event.data) == ("msg_1", "job.completed", {"job_id": "a.b"})
    assert event.timestamp == datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-signature": ""},
    ],
)
def test_changed_headers_are_a_forgery(change: dict[str, str]) -> None:
    headers = signed_headers("msg_1", utc_now(), BODY, [NEW]) | change
    with pytest.raises(ForgedWebhookError):
        verify(BODY.encode(), headers, [NEW])


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_a_webhook_from_another_time_is_a_replay(age: timedelta) -> None:
    headers = signed_headers("msg_1", utc_now() - age, BODY, [NEW])
    with pytest.raises(ForgedWebhookError, match="too"):
        verify(BODY.encode(), headers, [NEW])


@given(st.binary(max_size=60))
def test_another_body_is_a_forgery(body: bytes) -> None:
    headers = signed_headers("msg_1", utc_now(), BODY, [NEW])
    with pytest.raises(ForgedWebhookError):
        verify(body, headers, [NEW])


def test_without_secrets_or_headers_nothing_is_trusted() -> None:
    with pytest.raises(ForgedWebhookError, match="no secret"):
        verify(BODY.encode(), signed_headers("msg_1", utc_now(), BODY, [NEW]), [])
    with pytest.raises(ForgedWebhookError, match="Missing required headers"):
        verify(BODY.encode(), {}, [NEW])


def test_a_signed_body_that_is_no_event_is_told_apart() -> None:
    headers = signed_headers("msg_1", utc_now(), "[]", [NEW])
    with pytest.raises(ForgedWebhookError, match="no event of Backstay"):
        verify(b"[]", headers, [NEW])
