"""Seats for calls."""

import threading

import pytest

from backstay.errors import ErrorClass
from backstay.resilience.bulkhead import Bulkhead, BulkheadFull
from backstay.settings import SettingsError


def test_the_call_after_the_last_seat_is_refused_at_once():
    bulkhead = Bulkhead("p", at_once=2)
    with bulkhead.seat(), bulkhead.seat(), pytest.raises(BulkheadFull) as refused, bulkhead.seat():
        pytest.fail("a third call ran")
    assert refused.value.failure.error_class is ErrorClass.BULKHEAD_FULL
    assert "'p' is full: 2 calls" in str(refused.value)
    with bulkhead.seat():
        pass


def test_a_seat_that_becomes_free_in_time_is_taken():
    bulkhead = Bulkhead("p", at_once=1, wait_s=5)
    seated, leave = threading.Event(), threading.Event()

    def sit() -> None:
        with bulkhead.seat():
            seated.set()
            leave.wait(5)

    sitting = threading.Thread(target=sit)
    sitting.start()
    seated.wait(5)
    threading.Timer(0.05, leave.set).start()
    with bulkhead.seat():
        pass
    sitting.join()


def test_nobody_waits_longer_than_the_bound():
    bulkhead = Bulkhead("p", at_once=1, wait_s=0.05)
    with bulkhead.seat(), pytest.raises(BulkheadFull, match=r"within 0\.05 s"), bulkhead.seat():
        pytest.fail("a second call ran")


def test_a_call_that_raises_leaves_its_seat():
    bulkhead = Bulkhead("p", at_once=1)
    for _ in range(3):
        with pytest.raises(KeyError), bulkhead.seat():
            raise KeyError


@pytest.mark.parametrize(("at_once", "wait_s"), [(0, 0), (1, -1)])
def test_sizes_that_cannot_work_are_refused(at_once, wait_s):
    with pytest.raises(SettingsError, match="'p'"):
        Bulkhead("p", at_once, wait_s)
