"""Operations that run once, with the store in memory."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.errors import Disposition
from backstay.resilience.deadline import deadline
from backstay.resilience.idempotency import Begun, Idempotency, MemoryStore, NotStorableError, StillRunning, key_of


class Hand:
    """A wall clock's hand, in milliseconds."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def now() -> Hand:
    return Hand()


@pytest.fixture
def store(now: Hand) -> MemoryStore:
    return MemoryStore(now)


@pytest.fixture
def idempotency(store: MemoryStore, now: Hand) -> Idempotency:
    return Idempotency(store, now_ms=now, sleep=lambda _: None)


def test_the_second_call_gets_what_the_first_got(idempotency):
    calls = []
    for _ in range(3):
        assert idempotency.once("k", lambda: {"charged": calls.append(1) or 5}) == {"charged": 5}
    assert len(calls) == 1


def test_nothing_is_a_result_too(idempotency):
    calls = []
    for _ in range(2):
        assert idempotency.once("k", lambda: calls.append(1)) is None
    assert len(calls) == 1


def test_concurrent_callers_get_one_execution_and_the_same_result(idempotency):
    calls, together = [], threading.Barrier(20)

    def operation() -> int:
        calls.append(1)
        time.sleep(0.05)
        return len(calls)

    def call(_: int) -> int:
        together.wait()
        return idempotency.once("k", operation)

    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(call, range(20))) == {1}


def test_no_caller_can_change_what_another_gets(idempotency):
    idempotency.once("k", lambda: [1])[0] = 2
    assert idempotency.once("k", list) == [1]


def test_a_failure_stores_nothing(idempotency):
    with pytest.raises(ZeroDivisionError):
        idempotency.once("k", lambda: 1 / 0)
    assert idempotency.once("k", lambda: 7) == 7


def test_after_a_day_it_runs_anew(idempotency, now):
    idempotency.once("k", lambda: 1)
    now.ms += 86_400_000 - 1
    assert idempotency.once("k", lambda: 2) == 1
    now.ms += 1
    assert idempotency.once("k", lambda: 2) == 2


def test_another_process_that_is_at_it_is_waited_for_by_parking(store, now):
    store.begin("k", now() + 60_000)
    slept: list[float] = []
    with pytest.raises(StillRunning) as refused:
        Idempotency(store, now_ms=now, sleep=slept.append).once("k", lambda: 1)
    assert refused.value.failure.error_class.disposition is Disposition.PARK
    assert refused.value.failure.retry_after_s == 15
    assert 0 < sum(slept) < 1


def test_another_process_that_finishes_within_a_moment_is_waited_for(store, now):
    begun = store.begin("k", now() + 60_000)
    assert isinstance(begun, Begun)
    answers = Idempotency(store, now_ms=now, sleep=lambda _: store.finish("k", begun, '"done"', 60))
    assert answers.once("k", lambda: pytest.fail("it ran twice")) == "done"


def test_after_a_timeout_it_is_not_run_before_the_first_run_must_be_dead(store, now):
    """A Lambda that timed out never finished; its successors come at once, and several."""
    with deadline(10, "charging"):
        died = Idempotency(_NeverEnds(store), now_ms=now)
        with pytest.raises(KeyboardInterrupt):
            died.once("k", _killed)
    successors = [Idempotency(store, now_ms=now, sleep=lambda _: None) for _ in range(2)]
    now.ms += 39_000
    for successor in successors:
        with pytest.raises(StillRunning):
            successor.once("k", lambda: pytest.fail("two ran at once"))
    now.ms += 2_000
    assert successors[0].once("k", lambda: 1) == 1
    assert successors[1].once("k", lambda: 2) == 1


def test_a_run_that_outlived_its_lease_does_not_overwrite_its_successor(store, now):
    idempotency = Idempotency(store, now_ms=now)

    def slow() -> str:
        now.ms += 3_600_000
        assert Idempotency(store, now_ms=now).once("k", lambda: "successor") == "successor"
        return "zombie"

    idempotency.once("k", slow, at_most_s=1)
    assert idempotency.once("k", lambda: "third") == "successor"


@pytest.mark.parametrize("result", [object(), {1, 2}, "x" * 300_001])
def test_a_result_that_cannot_be_kept_is_refused(idempotency, result):
    with pytest.raises(NotStorableError):
        idempotency.once("k", lambda: result)


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_keys_are_equal_only_for_equal_parts(one, other):
    assert (key_of(*one) == key_of(*other)) == (one == other)


class _NeverEnds:
    """A store as a process that was killed leaves it."""

    def __init__(self, store: MemoryStore) -> None:
        self.begin = store.begin

    def finish(self, *_: object) -> bool:
        raise AssertionError("it was killed before")

    def forget(self, *_: object) -> None:
        """Killed before it could."""


def _killed() -> None:
    raise KeyboardInterrupt
