"""The moves of a circuit, pure."""

from dataclasses import replace

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import CircuitState
from hypothesis import given
from hypothesis import strategies as st

from backstay.resilience.circuit import (
    BreakerSettings,
    Circuit,
    Probe,
    Refused,
    Rest,
    Through,
    abandon,
    admit,
    close,
    fail,
    hold,
    rest,
    rests_until,
    succeed,
)
from backstay.settings import SettingsError

SETTINGS = BreakerSettings(failure_threshold=5, reset_timeout_s=60)
NEW = Circuit("p")
MINUTE = 60_000


def failed(times: int, at_ms: int = 0, settings: BreakerSettings = SETTINGS) -> Circuit:
    circuit = NEW
    for _ in range(times):
        circuit = fail(circuit, settings, circuit.era, at_ms)
    return circuit


def half_open(settings: BreakerSettings = SETTINGS) -> Circuit:
    verdict = admit(failed(5, settings=settings), settings, MINUTE)
    assert isinstance(verdict, Probe)
    return verdict.circuit


def test_it_opens_at_the_threshold_and_not_before():
    assert isinstance(admit(failed(4), SETTINGS, 0), Through)
    assert admit(failed(5), SETTINGS, 0) == Refused(MINUTE)


def test_a_success_between_failures_starts_the_count_anew():
    assert succeed(failed(4), SETTINGS, 0, 0).failures == 0


def test_a_success_changes_nothing_while_all_is_well():
    assert succeed(NEW, SETTINGS, 0, 0) is NEW


def test_after_the_reset_one_probe_goes_and_others_wait_for_it():
    circuit = half_open()
    assert circuit.state is CircuitState.HALF_OPEN
    assert admit(circuit, SETTINGS, MINUTE + 1) == Refused(2 * MINUTE)


def test_a_probe_that_succeeds_closes_it():
    circuit = half_open()
    closed = succeed(circuit, SETTINGS, circuit.era, MINUTE)
    assert (closed.state, closed.failures, closed.retry_at_ms) == (CircuitState.CLOSED, 0, None)


def test_a_probe_that_fails_opens_it_for_another_reset():
    circuit = half_open()
    opened = fail(circuit, SETTINGS, circuit.era, MINUTE + 500)
    assert admit(opened, SETTINGS, MINUTE + 501) == Refused(2 * MINUTE + 500)


def test_a_late_failure_from_before_the_opening_does_not_make_it_last_longer():
    opened = failed(5)
    assert fail(opened, SETTINGS, 0, 30_000) is opened


def test_a_late_success_from_before_the_opening_does_not_close_it():
    opened, probing = failed(5), half_open()
    assert succeed(opened, SETTINGS, 0, 30_000) is opened
    assert succeed(probing, SETTINGS, 0, MINUTE) is probing


def test_a_late_failure_from_before_the_opening_does_not_open_it_again():
    circuit = half_open()
    closed = succeed(circuit, SETTINGS, circuit.era, MINUTE)
    assert fail(closed, SETTINGS, 0, MINUTE + 1) is closed


def test_a_probe_that_is_given_up_lets_another_go_at_once():
    circuit = half_open()
    assert isinstance(admit(abandon(circuit, circuit.era), SETTINGS, MINUTE + 1), Probe)


def test_a_probe_that_hangs_is_followed_by_another_after_a_reset_and_may_still_close_it():
    hanging = half_open()
    verdict = admit(hanging, SETTINGS, 2 * MINUTE)
    assert isinstance(verdict, Probe)
    assert succeed(verdict.circuit, SETTINGS, hanging.era, 2 * MINUTE).state is CircuitState.CLOSED


def test_several_probes_where_the_settings_say_so():
    settings = replace(SETTINGS, half_open_max_attempts=2, success_threshold=2)
    second = admit(half_open(settings), settings, MINUTE)
    assert isinstance(second, Probe)
    assert isinstance(admit(second.circuit, settings, MINUTE), Refused)
    once = succeed(second.circuit, settings, second.circuit.era, MINUTE)
    assert once.state is CircuitState.HALF_OPEN
    assert succeed(once, settings, once.era, MINUTE).state is CircuitState.CLOSED


def test_held_open_it_stays_so_until_somebody_closes_it():
    held = hold(NEW, 0, None, "credit is used up")
    assert admit(held, SETTINGS, 10**12) == Refused(None)
    assert succeed(held, SETTINGS, held.era, 0) is held
    assert isinstance(admit(close(held, 1, "topped up"), SETTINGS, 1), Through)


def test_holding_twice_for_the_same_reason_is_one_transition():
    held = hold(NEW, 0, None, "credit is used up")
    assert hold(held, 5, None, "credit is used up") is held


def test_a_rest_holds_for_what_it_was_asked_for_until_it_is_over():
    circuit = rest(NEW, "small", 5_000, now_ms=1_000)
    assert rests_until(circuit, "small", 4_999) == 5_000
    assert rests_until(circuit, "large", 4_999) is None
    assert rests_until(circuit, "small", 5_000) is None


def test_the_longest_rest_that_was_asked_for_counts_and_a_shorter_one_changes_nothing():
    circuit = rest(NEW, "small", 5_000, now_ms=0)
    assert rest(circuit, "small", 4_000, now_ms=1) is circuit
    assert rest(circuit, "small", 6_000, now_ms=1).rests == (Rest("small", 6_000),)


def test_rests_that_are_over_are_forgotten_with_the_next():
    circuit = rest(NEW, "small", 5_000, now_ms=0)
    assert rest(circuit, "large", 9_000, now_ms=5_000).rests == (Rest("large", 9_000),)


def test_a_rest_is_not_a_failure():
    assert isinstance(admit(rest(NEW, "small", 5_000, now_ms=0), SETTINGS, 1), Through)


def test_the_last_ten_transitions_are_kept():
    circuit = NEW
    for minute in range(12):
        circuit = hold(close(circuit, minute, "x"), minute, None, "y")
    assert len(circuit.transitions) == 10
    assert circuit.transitions[-1].at_ms == 11


@pytest.mark.parametrize("setting", ["failure_threshold", "reset_timeout_s", "half_open_max_attempts"])
def test_settings_that_cannot_work_are_refused_by_name(setting):
    with pytest.raises(SettingsError, match=f"{setting} = 0"):
        replace(SETTINGS, **{setting: 0})


@given(
    threshold=st.integers(1, 6),
    began=st.lists(st.integers(0, 900), min_size=1, max_size=60),
    takes=st.lists(st.integers(1, 400), min_size=1, max_size=60),
)
def test_what_reaches_a_provider_that_is_down_stays_within_the_bound(threshold, began, takes):
    """Seconds on one clock; every call fails, after a while of its own: at once, or by hanging until its timeout."""
    settings = BreakerSettings(failure_threshold=threshold, reset_timeout_s=60)
    starts = sorted(began)
    lasting = {start_at: takes[place % len(takes)] for place, start_at in enumerate(starts)}
    circuit, in_flight, reached, in_flight_at_opening = NEW, [], 0, None
    for now in range(starts[-1] + 1):
        for ends, era in sorted(one for one in in_flight if one[0] <= now):
            circuit = fail(circuit, settings, era, ends * 1000)
            in_flight.remove((ends, era))
            if in_flight_at_opening is None and circuit.state is CircuitState.OPEN:
                in_flight_at_opening = len(in_flight)
        for _ in range(starts.count(now)):
            verdict = admit(circuit, settings, now * 1000)
            if isinstance(verdict, Refused):
                continue
            circuit = verdict.circuit if isinstance(verdict, Probe) else circuit
            in_flight.append((now + lasting[now], circuit.era))
            reached += 1
    if in_flight_at_opening is not None:
        assert reached <= threshold + in_flight_at_opening + -(-starts[-1] // 60)
