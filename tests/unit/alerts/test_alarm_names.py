"""From an alarm's name it is read which rule speaks, and about what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.alerts.alarm_names import AlarmNameError, alarm_name, parse

PREFIX = "backstay-dev-"
rules = st.from_regex(r"\A[a-z][a-z0-9_]{0,20}(\.[a-z][a-z0-9_]{0,20}){1,2}\Z")
sources = st.text("abcXYZ019_.:-", min_size=1, max_size=80)


@given(rules, sources)
def test_what_a_name_is_made_of_is_read_from_it(rule: str, source: str) -> None:
    assert parse(alarm_name(PREFIX, rule, source), PREFIX) == (rule, source)


@pytest.mark.parametrize(
    ("rule", "source"),
    [("queue_depth", "a"), ("Worker.depth", "a"), ("worker.depth", "a/b"), ("worker.depth", ""), ("a.b", "x" * 250)],
)
def test_what_no_name_can_hold_is_refused(rule: str, source: str) -> None:
    with pytest.raises(AlarmNameError):
        alarm_name(PREFIX, rule, source)


@pytest.mark.parametrize("name", ["backstay-prod-a.b/c", "a.b/c", "backstay-dev-a/b", "backstay-dev-a.b", "", "x/y"])
def test_other_peoples_alarms_are_not_taken_for_ours(name: str) -> None:
    with pytest.raises(AlarmNameError):
        parse(name, PREFIX)
