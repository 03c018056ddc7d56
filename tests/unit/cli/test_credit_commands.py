"""Bought credit at the terminal. The API is a fake; the rest is real."""

import pytest

from cli.local.state import StateDirectory
from cli.problems import ExitCode
from tests.unit.cli.terminal import FakeApi, backstay

CREDIT = {
    "provider": "openai",
    "bought_usd": "100.00",
    "spent_usd": "40.00",
    "left_usd": "60.00",
    "a_day_usd": "2.00",
    "runs_out_at": "2026-12-25T10:00:00.000Z",
    "top_ups": [{"at": "2026-11-01T00:00:00.000Z", "usd": "100", "note": "invoice 17"}],
}


def test_what_is_left_and_when_it_runs_out_is_a_line(api: FakeApi, state: StateDirectory) -> None:
    api.says("GET /api/credits", (200, {"credits": [CREDIT]}))
    lines = backstay(state, "credits", "ls").stdout.splitlines()
    assert lines[1].split() == (
        ["openai", "$100.00", "$40.00", "$60.00", "$2.00", "2026-12-25", "2026-11-01", "$100", "invoice", "17"]
    )


def test_a_top_up_is_sent_as_the_words_say(api: FakeApi, state: StateDirectory) -> None:
    api.says("POST /api/credits/openai/top-ups", (201, CREDIT))
    ran = backstay(state, "credits", "top-up", "openai", "$50.5", "--note", "invoice 18", "--key", "i18")
    assert ran.exit_code == ExitCode.OK, ran.stderr
    assert api.asked[0][1] == {"usd": "50.5", "note": "invoice 18", "idempotency_key": "i18"}


@pytest.mark.parametrize("usd", ["much", "inf"])
def test_what_is_no_amount_is_refused_before_anything_is_sent(api: FakeApi, state: StateDirectory, usd: str) -> None:
    assert backstay(state, "credits", "top-up", "openai", usd).exit_code == ExitCode.USAGE
    assert api.asked == []
