"""Two questions share an answer only if they are the same in everything."""

import dataclasses
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.llm.cache_key import Scope, key_of, key_of_all, normalised
from backstay.llm.request import Form, Message, Request
from backstay.llm.use import CachePolicy

TEXTS = st.text(max_size=20)
SCHEMAS = st.dictionaries(TEXTS, st.integers() | TEXTS, max_size=3)
FORMS = st.builds(Form, TEXTS, TEXTS, SCHEMAS, st.just({}), st.just({}))
MESSAGES = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXTS), max_size=3)
REQUESTS = st.builds(
    Request, MESSAGES.map(tuple), st.none() | FORMS, st.integers(1, 9_000), st.floats(0, 2, allow_nan=False)
)
POLICIES = st.builds(CachePolicy, st.just(False), TEXTS, st.lists(TEXTS, max_size=2).map(tuple))
SCOPES = st.builds(Scope, TEXTS, TEXTS, POLICIES)


@dataclass(frozen=True)
class Asked:
    scope: Scope
    route: str
    request: Request

    @property
    def key(self) -> str:
        return key_of(self.scope, self.route, self.request)


ASKED = st.builds(Asked, SCOPES, TEXTS, REQUESTS)
FIELDS = [
    *(("scope", field.name) for field in dataclasses.fields(Scope)),
    *(("request", field.name) for field in dataclasses.fields(Request)),
    ("route", ""),
]


@pytest.mark.parametrize(("part", "field"), FIELDS)
@given(one=ASKED, other=ASKED)
def test_any_one_field_changed_is_another_question(part: str, field: str, one: Asked, other: Asked) -> None:
    changed: Any = getattr(other, part)
    if field:
        changed = replace(getattr(one, part), **{field: getattr(getattr(other, part), field)})
    altered = replace(one, **{part: changed})
    assert (altered == one) == (altered.key == one.key)


@given(ASKED, ASKED)
def test_the_same_key_means_the_same_question(one: Asked, other: Asked) -> None:
    assert (one == other) == (one.key == other.key)


@given(st.lists(TEXTS, min_size=2, max_size=3), st.integers(0, 2))
def test_text_can_not_move_from_one_message_into_the_next(parts: list[str], cut: int) -> None:
    scope = Scope("t", "task", CachePolicy())
    split = Request((Message("user", parts[0]), Message("user", parts[1])))
    joined = Request((Message("user", parts[0] + parts[1]), Message("user", "")))
    if split != joined:
        assert key_of(scope, "r", split) != key_of(scope, "r", joined)


@pytest.mark.parametrize(
    "pair",
    [("\uff33end\u3000 an EMAIL", "send an email"), ("Stra\u00dfe ", "STRASSE"), ("\ufb01le\n\tit", "file it")],
)
def test_a_task_may_have_texts_compared_as_people_type_them(pair: tuple[str, str]) -> None:
    requests = [Request((Message("user", text),)) for text in pair]
    loose, exact = Scope("t", "task", CachePolicy(normalise=True)), Scope("t", "task", CachePolicy())
    assert key_of(loose, "r", requests[0]) == key_of(loose, "r", requests[1])
    assert key_of(exact, "r", requests[0]) != key_of(exact, "r", requests[1])


@given(st.text())
def test_what_is_normalised_stays_so(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@given(st.lists(TEXTS, min_size=1, max_size=4), st.lists(TEXTS, min_size=1, max_size=4))
def test_a_question_is_its_keys_in_order(one: list[str], other: list[str]) -> None:
    assert (one == other) == (key_of_all(one) == key_of_all(other))
