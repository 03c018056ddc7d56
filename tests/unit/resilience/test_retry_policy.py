"""Waits between attempts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.resilience.retry import RetryPolicy, retry_quickly
from backstay.settings import SettingsError


def test_the_wait_doubles_up_to_its_cap():
    assert [RetryPolicy().delay_s(failures, luck=1) for failures in (1, 2, 3, 20)] == [2, 4, 8, 900]


def test_what_the_other_side_asks_for_wins_within_the_cap():
    assert RetryPolicy().delay_s(1, luck=0, retry_after_s=42) == 42
    assert RetryPolicy().delay_s(1, luck=0, retry_after_s=100_000) == 900


def test_attempts_are_counted_in_all():
    assert [RetryPolicy(attempts=3).allows(failures) for failures in (0, 1, 2, 3)] == [True, True, True, False]


@given(
    st.integers(1, 100_000), st.floats(0, 1000), st.floats(1, 10), st.floats(0, 1), st.none() | st.floats(-10, 1e9)
)  # fmt: skip
def test_every_wait_lies_between_floor_and_cap(failures, base_s, factor, luck, retry_after_s):
    wait = RetryPolicy(base_s=base_s, factor=factor).delay_s(failures, luck, retry_after_s)
    assert 1 <= wait <= 900


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"factor": 0.5}, {"cap_s": 0.5}, {"base_s": -1}])
def test_policies_that_cannot_work_are_refused_by_name(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        RetryPolicy(**wrong)


def test_a_few_quick_retries():
    waited, answers = [], iter([OSError(), OSError(), "well"])

    def operation() -> str:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    assert retry_quickly(operation, on=(OSError,), sleep=waited.append) == "well"
    assert len(waited) == 2


@given(st.integers(1, 50), st.floats(0, 5), st.floats(0, 1))
def test_quick_retries_never_wait_a_second_in_total(attempts, base_s, luck):
    waited: list[float] = []

    def operation() -> None:
        raise OSError("down")

    with pytest.raises(OSError, match="down"):
        retry_quickly(
            operation,
            on=(OSError,),
            policy=RetryPolicy(attempts, base_s, floor_s=0.01),
            sleep=waited.append,
            luck=lambda: luck,
        )
    assert sum(waited) < 1
    assert len(waited) < attempts


def test_other_errors_are_not_retried():
    calls = []

    def operation() -> None:
        calls.append(1)
        raise KeyError

    with pytest.raises(KeyError):
        retry_quickly(operation, on=(OSError,))
    assert calls == [1]
