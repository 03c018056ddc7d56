"""What a rate allows, pure."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backstay.resilience.window import Ask, Lot, RateLimits, Window, plan
from backstay.settings import SettingsError

LIMITS = RateLimits(requests=10, tokens=1_000, kept_for_high=0)
START = 1_800_000_000_000


def take(window: Window, limits: RateLimits, asks: list[Ask], now_ms: int, expected: int = 0):
    window = window.at(now_ms, limits)
    decided = plan(window, limits, asks, now_ms, expected)
    if decided.granted:
        window, _ = window.take(int(decided.taken.requests), int(decided.taken.tokens), now_ms, limits)
    return window, decided


def test_calls_that_wait_together_are_granted_up_to_the_limit_and_told_when_to_come_back():
    _, decided = take(Window(), LIMITS, [Ask(1)] * 12, START)
    assert len(decided.granted) == 10
    assert set(decided.wait_ms.values()) == {62_000}


def test_tokens_bound_too():
    _, decided = take(Window(), LIMITS, [Ask(400)] * 3, START)
    assert len(decided.granted) == 2


def test_a_lot_counts_until_its_lapse_and_a_window_later():
    window, _ = take(Window(), LIMITS, [Ask(1)] * 10, START)
    assert not take(window, LIMITS, [Ask(1)], START + 61_999)[1].granted
    assert take(window, LIMITS, [Ask(1)], START + 62_000)[1].granted


def test_a_part_is_kept_for_high_which_goes_first():
    limits = replace(LIMITS, kept_for_high=0.2)
    window, decided = take(Window(), limits, [Ask()] * 9 + [Ask(priority="high")], START)
    assert 9 in decided.granted
    assert len(decided.granted) == 8
    assert not take(window, limits, [Ask()], START)[1].granted
    assert take(window, limits, [Ask(priority="high")] * 3, START)[1].granted == (0, 1)


def test_stock_is_taken_only_while_half_of_the_limit_is_free():
    _, decided = take(Window(), LIMITS, [Ask(10)], START, expected=9)
    assert (decided.taken.requests, decided.stock.requests, decided.stock.tokens) == (5, 4, 40)
    window, _ = take(Window(), LIMITS, [Ask(10)] * 5, START)
    assert take(window, LIMITS, [Ask(10)], START, expected=9)[1].stock.requests == 0


def test_no_stock_is_taken_that_tokens_do_not_allow():
    _, decided = take(Window(), LIMITS, [Ask(200)], START, expected=9)
    assert decided.stock.requests == 1


def test_what_is_given_back_is_free_again_and_what_was_used_beyond_is_not():
    window, lot = Window().take(1, 900, START, LIMITS)
    assert window.give_back(lot, 0, 800).used.tokens == 100
    assert window.give_back(lot, 0, -50).used.tokens == 950
    assert window.give_back(lot + 1, 1, 900) == window


def test_lots_that_are_taken_nearly_together_are_kept_as_one_that_counts_as_long_as_the_last():
    window, first = Window().take(1, 10, START, LIMITS)
    window, second = window.take(2, 20, START + 200, LIMITS)
    assert second == first
    assert window.lots == (Lot(START, START + 200, 3, 30),)
    window, third = window.take(1, 1, START + 251, LIMITS)
    assert third == START + 251


def test_a_day_has_its_own_limit_and_ends_at_midnight():
    limits = RateLimits(requests_a_day=2)
    noon = START // 86_400_000 * 86_400_000 + 43_200_000
    window, decided = take(Window(), limits, [Ask()] * 3, noon)
    assert len(decided.granted) == 2
    assert decided.wait_ms == {2: 43_200_000}
    assert take(window, limits, [Ask()] * 2, noon + 43_200_000)[1].granted == (0, 1)


def test_without_limits_everything_is_granted():
    assert len(take(Window(), RateLimits(), [Ask(10**9)] * 50, START, expected=9)[1].granted) == 50


def test_a_limit_of_one_can_be_used_by_everybody():
    assert take(Window(), RateLimits(requests=1), [Ask()], START)[1].granted


def test_a_lot_of_a_clock_that_is_ahead_counts_no_longer_than_one_of_now():
    window = Window((Lot(START + 3_600_000, START + 3_600_000, 10, 0),)).at(START, LIMITS)
    assert take(window, LIMITS, [Ask()], START + 62_000)[1].granted


@pytest.mark.parametrize(("field", "value"), [("requests", 0), ("tokens", -1), ("window_s", 0), ("kept_for_high", 1)])
def test_limits_that_cannot_work_are_refused_by_name(field, value):
    with pytest.raises(SettingsError, match=f"{field} = {value}"):
        RateLimits(**{field: value})


ASKS = st.builds(Ask, st.integers(0, 750), st.sampled_from(["high", "normal", "low"]))
STEPS = st.lists(
    st.tuples(
        st.integers(0, 40_000) | st.sampled_from([0, 60_000, 61_500, 62_000]),  # time that passes
        st.integers(-200, 200),  # how far the clock of this process is off
        st.lists(ASKS, min_size=1, max_size=8),
        st.integers(0, 9),  # stock wanted
        st.sampled_from([0, 800, 1_600]),  # how long after the grant each call arrives at the other side
        st.floats(0, 1),  # the part of its tokens that comes to be used
    ),
    min_size=1,
    max_size=25,
)


@given(STEPS)
@settings(max_examples=300)
def test_no_window_at_the_other_side_ever_holds_more_than_the_limit(steps):
    """Any interleaving of processes whose clocks differ, with permits used at any time until 2 s less the skew."""
    limits = RateLimits(requests=4, tokens=1_000, kept_for_high=0.25)
    window, now, arrivals = Window(), START, []
    for passed, skew, asks, expected, after, part in steps:
        now += passed
        own = now + skew
        at = max(own, min(window.latest_ms, own + 1_000))
        window = window.at(at, limits)
        decided = plan(window, limits, asks, at, expected)
        if not decided.granted:
            continue
        window, lot = window.take(int(decided.taken.requests), int(decided.taken.tokens), at, limits)
        arrive = now + after
        for place in decided.granted:
            used = math.floor(asks[place].tokens * part)
            arrivals.append((arrive, 1, used))
            window = window.give_back(lot, 0, asks[place].tokens - used)
        each = int(decided.stock.tokens // decided.stock.requests) if decided.stock.requests else 0
        arrivals += [(arrive, 1, each)] * int(decided.stock.requests)
    for begin, _, _ in arrivals:
        inside = [arrival for arrival in arrivals if begin <= arrival[0] < begin + 60_000]
        assert sum(arrival[1] for arrival in inside) <= 4
        assert sum(arrival[2] for arrival in inside) <= 1_000


@given(st.lists(st.tuples(st.integers(0, 30_000), st.lists(ASKS, min_size=1, max_size=4)), max_size=10), ASKS)
def test_the_wait_that_is_told_is_the_least_that_helps(history, ask):
    window, now = Window(), START
    for passed, asks in history:
        now += passed
        window, _ = take(window, LIMITS, asks, now)
    _, decided = take(window, LIMITS, [ask], now)
    if decided.granted:
        return
    wait = decided.wait_ms[0]
    assert take(window, LIMITS, [ask], now + wait)[1].granted
    assert not take(window, LIMITS, [ask], now + wait - 1)[1].granted


@given(st.lists(ASKS, min_size=1, max_size=40))
def test_all_who_come_back_when_they_are_told_to_get_through(asks):
    window, decided = take(Window(), LIMITS, asks, START)
    late = sorted((wait, asks[place].tokens, place) for place, wait in decided.wait_ms.items())
    for wait, _, place in late:
        window, again = take(window, LIMITS, [asks[place]], START + wait)
        assert again.granted
