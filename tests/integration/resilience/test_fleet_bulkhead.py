"""Seats of the whole fleet on a table: never more than there are, whoever dies or loses an answer."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backstay import aws
from backstay.errors import Disposition, ErrorClass
from backstay.resilience import fleet_bulkhead
from backstay.resilience.fleet_bulkhead import FleetBulkhead, FleetBulkheadFull
from backstay.resilience.seat_table import NOT_HELD, Held, SeatsRefused, SeatTable

SEATS = 4


class Hand:
    """A wall clock's hand, in milliseconds."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms

    def advance(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@pytest.fixture
def now() -> Hand:
    return Hand()


@pytest.fixture
def process(cloud, now, monkeypatch) -> Callable[[], FleetBulkhead]:
    """Makes processes that share four seats, and ask again at once after a refusal."""
    monkeypatch.setattr(fleet_bulkhead, "_FULL_FOR_S", 0)
    return lambda: FleetBulkhead("p", SEATS, cloud.guards_table, now_ms=now)


def item() -> dict[str, Any]:
    """The seats as the table has them."""
    return aws.dynamodb().get_item(TableName="guards", Key={"id": {"S": "seats#p"}})["Item"]


def taken() -> int:
    return int(item()["taken"]["N"])


def take(seats: ExitStack, bulkhead: FleetBulkhead, lasts_s: float = 10) -> None:
    seats.enter_context(bulkhead.seat(lasts_s))


def test_the_fleet_has_so_many_seats_and_one_that_is_left_is_free_for_another_process(process):
    one, other = process(), process()
    with ExitStack() as seats:
        for _ in range(3):
            take(seats, one)
        with other.seat(10):
            assert taken() == SEATS
            for bulkhead in (one, other):
                with pytest.raises(FleetBulkheadFull, match="'p' is full: 4 calls are running") as refused:
                    take(seats, bulkhead)
                assert refused.value.failure.error_class is ErrorClass.BULKHEAD_FULL
                assert refused.value.failure.error_class.disposition is Disposition.PARK
        take(seats, one)
    assert taken() == 0
    assert item().keys() == {"id", "taken"}, "nobody holds any"


def test_what_is_idle_goes_back_once_it_is_as_much_as_what_is_in_use(process, writes):
    bulkhead = process()
    with ExitStack() as all_of_them:
        calls = [ExitStack() for _ in range(SEATS)]
        for call in calls:
            all_of_them.enter_context(call)
            take(call, bulkhead)
        del writes[:]
        calls[0].close()
        assert (taken(), len(writes)) == (4, 0)
        take(calls[0], bulkhead)
        assert not writes, "an idle seat of one's own is free"
        calls[0].close()
        calls[1].close()
        assert (taken(), len(writes)) == (2, 1)


def test_a_process_that_dies_gives_its_seats_back_by_the_clock_and_not_before(process, now):
    dead, alive = process(), process()
    with ExitStack() as seats:
        dead_calls = ExitStack()
        for _ in range(SEATS):
            take(dead_calls, dead)
        now.advance(9)
        with pytest.raises(FleetBulkheadFull):
            take(seats, alive)
        now.advance(60)
        for _ in range(SEATS):
            take(seats, alive)
        assert taken() == SEATS
        dead_calls.close()  # it only slept: what it gives back is not its own any more
        assert taken() == SEATS
        with pytest.raises(FleetBulkheadFull):
            take(seats, dead)


def test_a_call_that_outlasts_what_is_held_makes_it_last(process, now):
    bulkhead = process()
    with bulkhead.seat(10), bulkhead.seat(10):
        before = max(held["M"]["until_ms"]["N"] for name, held in item().items() if name.startswith("holder_"))
        now.advance(40)
        with bulkhead.seat(10):
            after = max(held["M"]["until_ms"]["N"] for name, held in item().items() if name.startswith("holder_"))
    assert int(after) - int(before) == 40_000


def test_where_the_table_can_not_be_written_no_call_is_made(process, monkeypatch):
    def lost(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="x")

    bulkhead = process()
    monkeypatch.setattr(aws.dynamodb_for_guards(), "update_item", lost)
    with pytest.raises(FleetBulkheadFull, match=r"can't be read or written \(ReadTimeoutError\)"), bulkhead.seat(10):
        pytest.fail("a call was made")


@pytest.mark.parametrize("made", [True, False], ids=["was made", "was not"])
def test_a_write_without_an_answer_costs_no_seat_for_good_and_gives_none_away(process, monkeypatch, made):
    bulkhead, other, client = process(), process(), aws.dynamodb_for_guards()
    update = client.update_item

    def lost(**request: Any) -> None:
        if made:
            update(**request)
        raise ReadTimeoutError(endpoint_url="x")

    with monkeypatch.context() as network, ExitStack() as seats:
        network.setattr(client, "update_item", lost)
        with pytest.raises(FleetBulkheadFull):
            take(seats, bulkhead)
    with ExitStack() as seats:
        for _ in range(SEATS):
            take(seats, bulkhead)
        assert taken() == SEATS
        with pytest.raises(FleetBulkheadFull):
            take(seats, other)
        seats.pop_all().close()
    assert taken() == 0


def test_a_seat_that_can_not_be_given_back_is_free_when_its_time_is_over(process, monkeypatch, now):
    bulkhead, client = process(), aws.dynamodb_for_guards()

    def lost(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="x")

    with monkeypatch.context() as network, ExitStack() as seats:
        for _ in range(SEATS):
            take(seats, bulkhead)
        network.setattr(client, "update_item", lost)
    assert taken() == SEATS
    now.advance(60)
    with ExitStack() as seats:
        for _ in range(SEATS):
            take(seats, bulkhead)


def test_a_write_that_is_repeated_by_the_sdk_counts_once(cloud):
    table = SeatTable("p", cloud.guards_table)
    for _ in range(2):
        table.hold("me", NOT_HELD, Held(2, 5, 1), SEATS)
    assert taken() == 2
    for _ in range(2):
        table.hold("me", Held(2, 5, 1), NOT_HELD, SEATS)
    assert taken() == 0
    with pytest.raises(SeatsRefused):
        table.hold("me", Held(2, 5, 1), Held(1, 5, 2), SEATS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 30)), max_size=40))
def test_whoever_comes_and_goes_and_when_there_are_never_more_calls_than_seats(process_of_property, moves):
    processes, now, running = process_of_property()
    for number, comes, seconds in moves:
        now.advance(seconds)
        calls = running[number]
        while calls and calls[0][1] <= now.ms:
            calls.pop(0)[0].close()  # no call outlasts what it has said
        if comes:
            call = ExitStack()
            try:
                take(call, processes[number], lasts_s=20)
            except FleetBulkheadFull:
                assert any(running), "somebody has a seat"
            else:
                calls.append((call, now.ms + 20_000))
        elif calls:
            calls.pop()[0].close()
        assert sum(until > now.ms for calls in running for _, until in calls) <= SEATS
    for calls in running:
        for call, _ in calls:
            call.close()
    if any(comes for _, comes, _ in moves):
        assert taken() == 0


Started = tuple[list[FleetBulkhead], Hand, list[list[tuple[ExitStack, int]]]]


@pytest.fixture
def process_of_property(cloud, monkeypatch) -> Callable[[], Started]:
    """Three processes that share an empty table, anew for every example."""
    monkeypatch.setattr(fleet_bulkhead, "_FULL_FOR_S", 0)

    def start() -> Started:
        aws.dynamodb().delete_item(TableName="guards", Key={"id": {"S": "seats#p"}})
        now = Hand()
        processes = [FleetBulkhead("p", SEATS, cloud.guards_table, now_ms=now) for _ in range(3)]
        return processes, now, [[], [], []]

    return start
