"""The rate limit on a table: lots, stock, what goes back, and what happens without the table."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ReadTimeoutError

from backstay import aws
from backstay.errors import Disposition, ErrorClass
from backstay.resilience.rate_limit import RateExceeded, RateLimit, RateLimits, TooLarge

LIMITS = RateLimits(requests=100, tokens=10_000, kept_for_high=0)


class Hand:
    """A wall clock's hand, in milliseconds."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def now() -> Hand:
    return Hand()


@pytest.fixture
def process(cloud, now) -> Callable[..., RateLimit]:
    """Makes processes that share the rate `p`."""

    def make(limits: RateLimits = LIMITS) -> RateLimit:
        return RateLimit("p", limits, cloud.guards_table, now_ms=now, spread=lambda: 0)

    return make


def test_a_batch_of_ten_that_calls_at_once_is_served_by_one_write(process, writes):
    rate, together = process(), threading.Barrier(10)

    def call(_: int) -> None:
        together.wait()
        rate.take(50)

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(call, range(10)))
    assert len(writes) == 1


def test_calls_one_after_another_are_served_from_stock(process, writes):
    rate = process()
    for _ in range(10):
        rate.take(50)
    assert len(writes) == 1


def test_stock_lapses_and_goes_back(process, now):
    rate = process(RateLimits(requests=100, lapse_s=0.5))
    rate.take()
    time.sleep(0.5)
    rate.take()
    assert rate.use().requests == 2 + 9  # the first lot's nine went back, the second's are in stock


def test_the_limit_holds_among_processes_and_the_told_wait_is_right(process, now):
    granted, refused = 0, None
    while refused is None:
        now.ms += granted % 3
        try:
            process().take()
        except RateExceeded as error:
            refused = error
        else:
            granted += 1
    assert 50 <= granted <= 100
    assert refused.failure.error_class is ErrorClass.RATE_EXCEEDED
    assert refused.failure.error_class.disposition is Disposition.PARK
    now.ms += round(refused.wait_s * 1000)
    process().take()


def test_tokens_that_were_not_needed_go_back_with_the_next_lot_and_cost_no_write(process, now, writes):
    rate = process(RateLimits(tokens=10_000, kept_for_high=0))
    permit = rate.take(8_000)
    permit.settle(1_000)
    assert len(writes) == 1
    assert rate.use().tokens == 8_000
    rate.take(8_500)
    assert rate.use().tokens == 9_500
    assert len(writes) == 2


def test_a_call_that_was_never_sent_goes_back_whole(process):
    rate = process(RateLimits(requests=1))
    rate.take().abandon()
    rate.take()
    assert rate.use().requests == 1


def test_nothing_goes_back_twice_when_a_write_ends_unknown(process, monkeypatch):
    """The answer to the write was lost, and it may have been made: what it gave back stays counted."""
    rate = process(RateLimits(tokens=10_000, kept_for_high=0))
    rate.take(6_000).settle(1_000)
    put, client = aws.dynamodb_for_guards().put_item, aws.dynamodb_for_guards()

    def lost(**request):
        put(**request)
        raise ReadTimeoutError(endpoint_url="x")

    with monkeypatch.context() as patch:
        patch.setattr(client, "put_item", lost)
        with pytest.raises(RateExceeded, match=r"ReadTimeoutError"):
            rate.take(6_000)
    assert rate.use().tokens == 7_000
    with pytest.raises(RateExceeded, match="used up"):
        rate.take(6_000)


def test_a_write_whose_first_answer_was_lost_is_recognised(process, monkeypatch):
    """botocore asks again by itself, and its second request meets what the first has written."""
    rate, client, put = process(), aws.dynamodb_for_guards(), aws.dynamodb_for_guards().put_item
    monkeypatch.setattr(client, "put_item", lambda **request: (put(**request), put(**request)))
    rate.take()
    assert rate.use().requests == 10


def _slow_writes(monkeypatch, count: int) -> None:
    """The first writes take longer than permits may be used."""
    put, slow = aws.dynamodb_for_guards().put_item, iter(range(count))

    def write(**request):
        if next(slow, None) is not None:
            time.sleep(0.5)
        put(**request)

    monkeypatch.setattr(aws.dynamodb_for_guards(), "put_item", write)


def test_a_lot_that_was_written_too_slowly_goes_back_and_another_is_taken(process, monkeypatch):
    """As in a process that starts: it imports an SDK beside this, and is slow for a moment."""
    rate = process(RateLimits(requests=100, kept_for_high=0, lapse_s=0.5))
    _slow_writes(monkeypatch, 2)
    rate.take()
    assert rate.use().requests == 10, "what lapsed is not in use"


def test_who_stays_too_slow_is_refused_and_holds_nothing(process, monkeypatch):
    rate = process(RateLimits(requests=100, kept_for_high=0, lapse_s=0.5))
    _slow_writes(monkeypatch, 3)
    with pytest.raises(RateExceeded, match="too slowly"):
        rate.take()
    rate.take()
    assert rate.use().requests == 10


def test_a_part_is_kept_for_high(process):
    rate = process(RateLimits(requests=5))
    for _ in range(4):
        rate.take()
    with pytest.raises(RateExceeded):
        rate.take()
    rate.take(priority="high")


def test_a_call_larger_than_the_limit_is_told_that_no_wait_helps(process, writes):
    with pytest.raises(TooLarge, match=r"8001 tokens never fits rate 'p', which allows 8000") as refused:
        process(RateLimits(tokens=10_000)).take(8_001)
    assert refused.value.failure.error_class.disposition is Disposition.FAIL
    assert not writes


def test_a_refusal_writes_nothing(process, writes):
    process(RateLimits(requests=1)).take()
    for _ in range(5):
        with pytest.raises(RateExceeded):
            process(RateLimits(requests=1)).take()
    assert len(writes) == 1


def test_without_the_table_no_call_is_made(process, cloud):
    aws.dynamodb().delete_table(TableName=cloud.guards_table)
    with pytest.raises(RateExceeded, match="can't be read or written") as refused:
        process().take()
    assert refused.value.wait_s >= 5


def test_a_fault_of_ours_strands_nobody_who_waits(process, monkeypatch):
    rate, together = process(), threading.Barrier(5)
    faults = iter([ZeroDivisionError()])
    expected = rate._expected

    def faulty(now: float) -> int:
        for fault in faults:
            raise fault
        return expected(now)

    monkeypatch.setattr(rate, "_expected", faulty)

    def call(_: int) -> str:
        together.wait()
        try:
            rate.take()
        except ZeroDivisionError:
            return "fault"
        return "permit"

    with ThreadPoolExecutor(5) as threads:
        assert sorted(threads.map(call, range(5))) == ["fault", *["permit"] * 4]


def test_a_clock_that_is_far_ahead_does_not_block_the_others(cloud, now):
    ahead = RateLimit("p", RateLimits(requests=1), cloud.guards_table, now_ms=lambda: now() + 3_600_000)
    ahead.take()
    right = RateLimit("p", RateLimits(requests=1), cloud.guards_table, now_ms=now, spread=lambda: 0)
    with pytest.raises(RateExceeded) as refused:
        right.take()
    assert refused.value.wait_s <= 63
