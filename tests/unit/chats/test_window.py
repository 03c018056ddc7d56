"""A session's messages in a sliding minute."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.chats.window import MESSAGES, WINDOW_MS, Full, admit


def filled(*times_ms):
    window = ()
    for number, at_ms in enumerate(times_ms):
        window = admit(window, f"m{number}", at_ms)
    return window


def test_ten_messages_a_minute_go_through_and_the_eleventh_is_told_how_long_to_wait():
    window = filled(*range(0, 10_000, 1_000))
    assert admit(window, "more", 10_000) == Full(50.0)
    assert admit(window, "more", 59_999) == Full(0.001)
    assert len(admit(window, "more", 60_000)) == MESSAGES


def test_a_message_that_comes_again_takes_no_second_place():
    window = filled(*range(10))
    assert admit(window, "m3", 20) is window


@given(st.lists(st.integers(0, 5_000), max_size=60))
def test_no_sliding_minute_ever_holds_more(gaps_ms):
    window, now_ms, let_in = (), 0, []
    for number, gap_ms in enumerate(gaps_ms):
        now_ms += gap_ms
        after = admit(window, f"m{number}", now_ms)
        if isinstance(after, Full):
            again = admit(window, f"m{number}", now_ms + round(after.wait_s * 1000))
            assert not isinstance(again, Full), "the told wait is long enough"
            continue
        window = after
        let_in.append(now_ms)
    for at_ms in let_in:
        assert sum(at_ms - WINDOW_MS < other <= at_ms for other in let_in) <= MESSAGES


@pytest.mark.parametrize("late_ms", [-500, 0, 500])
def test_clocks_may_differ_a_little(late_ms):
    window = filled(*range(1_000, 11_000, 1_000))
    full = admit(window, "more", 11_000 + late_ms)
    assert isinstance(full, Full)
    assert 49 <= full.wait_s <= 51
