"""Log lines without what they must not hold."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from backstay.access.key import new_key, new_key_id
from backstay.redaction import HIDDEN, hide_secrets
from backstay.telemetry import logger

SECRETS = [
    new_key(new_key_id()),
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "sk-proj-abcdef0123456789",
    "sk-ant-api03-abc_def-0123456789",
    "sk-or-v1-0123456789abcdef",
    "AKIAIOSFODNN7EXAMPLE",
]


@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
@pytest.mark.parametrize(
    "around", ["{}", "key {} is no good", '{{"a":"{}"}}', "{}\n{}", "Authorization: Bearer {}", "x={}&y=1"]
)
def test_a_secret_is_hidden_wherever_it_stands(secret: str, around: str) -> None:
    hidden = hide_secrets(around.replace("{}", secret))

    assert secret not in hidden
    assert HIDDEN in hidden


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("authorization: bearer abc.def-123/456=", "abc.def-123/456="),
        ("https://hooks.slack.com/services/T0/B0/xyz", "T0/B0/xyz"),
        ("https://b.s3.amazonaws.com/k?X-Amz-Expires=9&X-Amz-Signature=abc123&x=1", "abc123"),
    ],
)
def test_what_opens_a_door_without_a_form_of_its_own_is_hidden_by_where_it_stands(text: str, secret: str) -> None:
    assert secret not in hide_secrets(text)


@pytest.mark.parametrize(
    "text",
    [
        "task-enhance-story-0123456789",
        "newsroom.0123456789abcdef01234567",
        "risk-averse-and-wide-open",
        "bsk_0123456789",
    ],
)
def test_ids_and_words_stay(text: str) -> None:
    assert hide_secrets(text) == text


@given(st.text())
def test_any_text_can_be_looked_through_twice(text: str) -> None:
    assert hide_secrets(hide_secrets(text)) == hide_secrets(text)


class Story(BaseModel):
    title: int


@pytest.fixture
def log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> Iterator[Callable[[], str]]:
    """What a logger of its own has written so far."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", request.node.name)
    logger.cache_clear()
    yield lambda: capsys.readouterr().out
    logger.cache_clear()
    logging.getLogger(request.node.name).handlers.clear()


def test_no_line_of_the_log_holds_a_secret_whoever_wrote_it(log: Callable[[], str]) -> None:
    try:
        Story.model_validate({"title": " ".join(["the", "private", "words", "of", "somebody"])})
    except ValueError:
        logger().warning("failed with %s", SECRETS[0], exc_info=True, extra={"sent": {"authorization": SECRETS[1]}})

    (line,) = log().splitlines()
    entry = json.loads(line)
    assert [word for word in (SECRETS[0], SECRETS[1], "private words") if word in line] == []
    assert entry["message"] == f"failed with {HIDDEN}"
    assert "ValidationError" in entry["exception"]


def test_a_line_is_what_it_was_but_for_secrets(log: Callable[[], str]) -> None:
    logger().warning("plain", extra={"count": 3, "kind": {1.5}, "words": "Zürich"})

    entry = json.loads(log())
    assert (entry["message"], entry["count"], entry["words"]) == ("plain", 3, "Zürich")
    assert entry["kind"] == "{1.5}"
