"""What follows from a failed call, read off its class."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.errors import Disposition, ErrorClass, Failure
from backstay.llm.decision import (
    AskAgain,
    End,
    Failover,
    Repair,
    Standing,
    blame,
    counts_for_breaker,
    deciding,
    left,
    next_step,
    share_s,
)

TWO = Standing(windows=(None, None))
ENDS = {ErrorClass.MODERATION, ErrorClass.INVALID_REQUEST}
ANY_FAILURE = st.builds(
    Failure, st.sampled_from(ErrorClass), st.just("it failed"), st.none() | st.floats(0, 1000, allow_nan=False)
)


def failed(error_class: ErrorClass, retry_after_s: float | None = None) -> Failure:
    return Failure(error_class, f"{error_class} happened", retry_after_s)


@pytest.mark.parametrize("error_class", sorted(set(ErrorClass) - ENDS - {ErrorClass.CONTEXT_LENGTH}))
def test_a_failure_goes_over_to_the_next_route(error_class: ErrorClass) -> None:
    assert next_step(TWO, failed(error_class)) == Failover(1)


@pytest.mark.parametrize("error_class", sorted(ENDS))
def test_what_every_provider_would_refuse_ends_at_once(error_class: ErrorClass) -> None:
    assert next_step(TWO, failed(error_class)) == End(failed(error_class))


@pytest.mark.parametrize(
    ("error_class", "counts"),
    [
        ("overloaded", True),
        ("server", True),
        ("timeout", True),
        ("rate_limited", False),
        ("auth", False),
        ("payment", False),
        ("context_length", False),
        ("moderation", False),
        ("invalid_request", False),
        ("invalid_output", False),
        ("unpriced", False),
    ],
)
def test_only_what_says_that_a_provider_is_down_counts_for_its_breaker(error_class: str, counts: bool) -> None:
    assert counts_for_breaker(ErrorClass(error_class)) is counts


def test_an_answer_that_does_not_fit_is_repaired_once_in_the_whole_question() -> None:
    unfit = failed(ErrorClass.INVALID_OUTPUT)
    assert next_step(TWO, unfit, repairable=True) == Repair()
    repaired = Standing(windows=(None, None), repaired=True)
    assert next_step(repaired, unfit, repairable=True) == Failover(1)
    assert left(repaired, unfit, 1).repaired


def test_a_route_whose_answer_can_not_be_mended_now_has_failed_by_that_answer_and_waits_as_told() -> None:
    unfit, limited = failed(ErrorClass.INVALID_OUTPUT), failed(ErrorClass.RATE_LIMITED, 40)
    mending = replace(TWO, repaired=True, unfit=unfit)
    blamed = blame(mending, limited)
    assert (blamed.error_class, blamed.retry_after_s) == (ErrorClass.INVALID_OUTPUT, 40)
    assert limited.message in blamed.message
    assert blame(mending, failed(ErrorClass.MODERATION)).error_class is ErrorClass.MODERATION
    assert blame(left(mending, blamed, 1), limited) is limited, "the next route has not answered yet"


def test_a_prompt_that_is_too_long_is_shrunk_then_taken_to_a_larger_window_then_fails() -> None:
    too_long = failed(ErrorClass.CONTEXT_LENGTH)
    standing = Standing(windows=(8_000, 8_000, 4_000, 200_000), sizes=3)
    assert next_step(standing, too_long) == AskAgain(1)
    smallest = Standing(standing.windows, sizes=3, size=2)
    assert next_step(smallest, too_long) == Failover(3)
    there = left(smallest, too_long, 3)
    assert there.size == 0
    assert next_step(Standing(there.windows, 3, 3, 2, failures=there.failures), too_long) == End(too_long)


def test_a_window_that_nobody_knows_may_be_larger() -> None:
    assert next_step(Standing(windows=(8_000, 4_000, None)), failed(ErrorClass.CONTEXT_LENGTH)) == Failover(2)


def test_a_job_waits_for_the_route_that_may_be_usable_first() -> None:
    later, sooner = failed(ErrorClass.RATE_LIMITED, 40), failed(ErrorClass.OVERLOADED, 7)
    assert deciding((later, sooner)) is sooner
    assert deciding((failed(ErrorClass.SERVER), later)).error_class is ErrorClass.SERVER
    assert deciding((failed(ErrorClass.AUTH), later)) is later, "a key is mended by a person, who may sleep"


def test_a_job_fails_only_where_no_route_can_ever_help() -> None:
    hopeless = failed(ErrorClass.UNPRICED)
    assert deciding((hopeless, failed(ErrorClass.SERVER))).error_class is ErrorClass.SERVER
    assert deciding((failed(ErrorClass.CONTEXT_LENGTH), hopeless)) is hopeless


def test_an_answer_that_was_paid_for_and_is_of_no_use_costs_an_attempt_and_waits_for_the_other_route() -> None:
    decided = deciding((failed(ErrorClass.RATE_LIMITED, 40), failed(ErrorClass.INVALID_OUTPUT)))
    assert decided.error_class is ErrorClass.INVALID_OUTPUT
    assert decided.retry_after_s == 40


@given(st.lists(ANY_FAILURE, min_size=1))
def test_what_decides_is_as_hopeful_as_the_most_hopeful_route(failures: list[Failure]) -> None:
    dispositions = {failure.error_class.disposition for failure in failures}
    decided = deciding(failures).error_class.disposition
    assert decided in dispositions
    assert (decided is Disposition.FAIL) == (dispositions == {Disposition.FAIL})


@given(
    st.lists(st.tuples(ANY_FAILURE, st.booleans()), min_size=40),
    st.lists(st.none() | st.integers(1, 10**6), min_size=1, max_size=5),
    st.integers(1, 3),
)
def test_a_question_takes_at_most_a_call_for_each_route_and_size_and_one_repair(
    events: list[tuple[Failure, bool]], windows: list[int | None], sizes: int
) -> None:
    standing, calls = Standing(tuple(windows), sizes), 0
    for failure, repairable in events:
        calls += 1
        match next_step(standing, failure, repairable=repairable):
            case AskAgain(size):
                standing = replace(standing, size=size)
            case Repair():
                standing = replace(standing, repaired=True, unfit=failure)
            case Failover(route):
                assert route > standing.route
                standing = left(standing, failure, route)
            case End():
                break
    assert calls <= len(windows) * sizes + 1


@given(st.floats(0, 900), st.integers(1, 6))
def test_a_route_that_hangs_leaves_the_others_their_time(left_s: float, routes: int) -> None:
    remaining = left_s
    for number in range(routes):
        share = share_s(remaining, routes - number, 1.0)
        assert share <= remaining
        if left_s / routes >= 1:
            assert share == pytest.approx(left_s / routes)
        remaining -= share
    assert remaining >= 0
