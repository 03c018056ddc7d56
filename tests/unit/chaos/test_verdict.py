"""What of llmock's warnings is none, on a journal that can be read at a glance."""

from typing import Any

import pytest

from tests.chaos.verdict import Verdict

Json = dict[str, Any]
QUESTION = {"role": "user", "content": "Where?"}
REPAIR = [QUESTION, {"role": "assistant", "content": "here"}, {"role": "user", "content": "That does not fit"}]


def asked(seq: int, *turns: Json, model: str = "small") -> Json:
    """A request that was answered a second after it came."""
    times = {"started_at": 10.0 * seq, "ended_at": 10.0 * seq + 1}
    return {"seq": seq, "path": "/v1/chat/completions", "model": model, "body": {"messages": list(turns)}, **times}


def given_up(seq: int, code: str = "gave_up") -> Json:
    return {"severity": "warning", "code": code, "requests": [seq], "path": "POST /", "title": "Gave up"}


@pytest.mark.parametrize(
    ("requests", "warns"),
    [
        ((asked(1, QUESTION), asked(2, *REPAIR), asked(3, QUESTION)), False),
        ((asked(1, QUESTION), asked(2, *REPAIR)), True),
        ((asked(1, QUESTION), asked(2, *REPAIR), asked(3, QUESTION, model="other")), True),
        ((asked(1, QUESTION), asked(2, QUESTION), asked(3, QUESTION)), True),
    ],
    ids=["asked anew", "never again", "asked of another model", "no repair at all"],
)
def test_a_repair_that_is_turned_away_is_given_up_unless_its_question_is_asked_anew(
    requests: tuple[Json, ...], warns: bool
) -> None:
    verdict = Verdict([given_up(2)], requests)
    assert bool(verdict.warnings()) is warns
    assert bool(verdict.asked_anew()) is not warns


def test_nothing_else_is_put_aside() -> None:
    verdict = Verdict([given_up(2, "no_backoff")], [asked(1, QUESTION), asked(2, *REPAIR), asked(3, QUESTION)])
    assert len(verdict.warnings()) == 1
