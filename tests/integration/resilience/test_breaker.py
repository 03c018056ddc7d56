"""The breaker on a table: what workers share, what they remember, and what becomes of them without the table."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import CircuitState, CircuitTransition
from botocore.exceptions import ClientError

from backstay import aws
from backstay.errors import Disposition
from backstay.resilience.breaker import CircuitBreaker, CircuitOpen
from backstay.resilience.circuit import BreakerSettings
from backstay.settings import Environment
from tests.integration.conftest import SettableClock

Worker = Callable[..., CircuitBreaker]


@pytest.fixture
def moves() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def worker(cloud: Environment, clock: SettableClock, moves: list[tuple[str, str]]) -> Worker:
    """Makes workers: each is a process that knows nothing yet. They remember nothing unless they are told to."""

    def noted(transition: CircuitTransition) -> None:
        moves.append((str(transition.from_state), str(transition.to_state)))

    def make(**more) -> CircuitBreaker:
        return CircuitBreaker(
            cloud.guards_table, BreakerSettings(), **{"on_transition": noted, "clock": clock, "cache_s": 0} | more
        )

    return make


def fail(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.admit("p").failed()


def test_failures_of_all_workers_add_up(worker, moves):
    workers = [worker(cache_s=1) for _ in range(5)]
    for one in workers:
        one.admit("p").failed()
    with pytest.raises(CircuitOpen):
        worker().admit("p")
    assert moves == [("CLOSED", "OPEN")]


def test_the_worker_whose_failure_opens_it_knows_at_once(worker):
    first, last = worker(), worker(cache_s=60)
    fail(first, 4)
    fail(last)
    with pytest.raises(CircuitOpen):
        last.admit("p")


def test_the_refusal_parks_the_job_until_the_circuit_may_be_probed(worker, clock):
    fail(worker(), 5)
    with pytest.raises(CircuitOpen, match="circuit 'p' is open until") as refused:
        worker().admit("p")
    failure = refused.value.failure
    assert failure.error_class.disposition is Disposition.PARK
    assert 59 < failure.retry_after_s <= 60
    assert 59 < (refused.value.until - clock()).total_seconds() <= 60


def test_while_all_is_well_nothing_is_written_and_little_is_read(worker, cloud, writes, reads):
    one = worker(cache_s=60)
    for _ in range(50):
        with one.admit("p"):
            pass
    assert (len(writes), len(reads)) == (0, 1)


def test_threads_that_come_while_one_reads_take_what_it_reads(worker, cloud, reads):
    one, asking, come = worker(cache_s=60), threading.Event(), threading.Barrier(10)

    def slowly(**_: object) -> None:
        asking.set()
        come.wait(10)

    aws.dynamodb_for_guards().meta.events.register("before-send.dynamodb.GetItem", slowly)

    def later(_: int) -> None:
        asking.wait(10)
        come.wait(10)
        one.admit("p")

    with ThreadPoolExecutor(10) as threads:
        first = threads.submit(one.admit, "p")
        list(threads.map(later, range(9)))
        first.result()
    assert len(reads) == 1


def test_a_success_after_failures_starts_the_count_anew(worker):
    fail(worker(), 4)
    worker().admit("p").succeeded()
    fail(worker(), 4)
    worker().admit("p")


def test_while_there_are_failures_nothing_is_taken_for_granted(worker):
    one, other = worker(cache_s=60), worker()
    fail(one)
    fail(other, 4)
    with pytest.raises(CircuitOpen):
        one.admit("p")


def test_after_the_reset_one_worker_probes_and_the_primary_is_used_again(worker, clock, moves):
    fail(worker(), 5)
    clock.advance(61)
    probe = worker().admit("p")
    assert probe.is_probe
    with pytest.raises(CircuitOpen):
        worker().admit("p")
    probe.succeeded()
    assert not worker().admit("p").is_probe
    assert moves == [("CLOSED", "OPEN"), ("OPEN", "HALF_OPEN"), ("HALF_OPEN", "CLOSED")]


def test_a_probe_that_is_refused_by_a_later_guard_lets_another_go(worker, clock):
    fail(worker(), 5)
    clock.advance(61)
    worker().admit("p").abandoned()
    assert worker().admit("p").is_probe


def test_outcomes_from_before_the_opening_change_nothing(worker, clock):
    before = [worker() for _ in range(3)]
    hanging = [one.admit("p") for one in before]
    fail(worker(), 5)
    clock.advance(30)
    hanging[0].failed()
    hanging[1].succeeded()
    clock.advance(31)
    assert worker().admit("p").is_probe, "the late failure made it last longer"
    hanging[2].failed()
    assert worker().stats("p").state is CircuitState.HALF_OPEN


def test_an_outcome_is_told_once(worker):
    admission = worker().admit("p")
    for _ in range(10):
        admission.failed()
    assert worker().stats("p").failures == 1


def test_as_a_context_manager_it_sees_for_itself_how_the_call_ended(worker):
    for _ in range(5):
        with pytest.raises(OSError, match="down"), worker().admit("p"):
            raise OSError("down")
    with pytest.raises(CircuitOpen):
        worker().admit("p")


def test_an_outcome_that_was_told_inside_stands(worker):
    admission = worker().admit("p")

    def call() -> None:
        with admission:
            admission.abandoned()
            raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        call()
    assert worker().stats("p").failures == 0


def test_held_open_it_waits_for_somebody(worker, clock):
    worker().hold_open("p", None, "its credit is used up")
    clock.advance(10**6)
    with pytest.raises(CircuitOpen, match=r"until somebody closes it \(its credit is used up\)") as refused:
        worker().admit("p")
    assert refused.value.until is None
    assert refused.value.failure.retry_after_s == 300
    assert worker().stats("p").held == "its credit is used up"
    worker().reset("p")
    worker().admit("p")


def test_held_open_for_a_time_it_is_probed_then(worker, clock):
    at_once = clock()
    clock.advance(100)
    worker().hold_open("p", clock(), "for a moment")
    assert (clock() - at_once).total_seconds() >= 100
    clock.advance(1)
    assert worker().admit("p").is_probe


def test_stats_tell_how_it_stands(worker, clock):
    fail(worker(), 5)
    clock.advance(61)
    worker().admit("p")
    stats = worker().stats("p")
    assert (stats.state, stats.failures, stats.half_open_attempts) == (CircuitState.HALF_OPEN, 5, 1)
    assert stats.settings.failure_threshold == 5
    assert stats.opened_at < clock() < stats.next_attempt_at
    assert [one.reason for one in stats.transitions] == ["5 failures in a row", "a probe goes"]


def test_the_list_names_all_that_are_configured_in_one_read(worker, reads):
    fail(worker(), 5)
    reads.clear()
    found = worker(names=["p", "q"]).list()
    assert [(one.name, one.state) for one in found] == [("p", CircuitState.OPEN), ("q", CircuitState.CLOSED)]
    assert len(reads) == 1
    assert worker().list() == ()


def test_without_the_table_calls_are_made_and_it_is_said_once(worker, cloud, capsys, caplog):
    aws.dynamodb().delete_table(TableName=cloud.guards_table)
    one = worker(cache_s=0)
    for _ in range(3):
        one.admit("p").failed()
    assert sum("CircuitStateUnreadable" in line for line in _lines(capsys)) == 1
    assert sum("can't be read" in record.getMessage() for record in caplog.records) == 1


def test_a_table_that_is_back_is_used_again(worker, cloud, monkeypatch):
    one = worker()
    with monkeypatch.context() as patch:
        patch.setattr(aws.dynamodb_for_guards(), "get_item", _refuses)
        one.admit("p").failed()
    fail(one, 5)
    with pytest.raises(CircuitOpen):
        one.admit("p")


def test_an_outcome_that_cannot_be_written_does_not_take_the_calls_place(worker, cloud):
    admission = worker().admit("p")
    aws.dynamodb().delete_table(TableName=cloud.guards_table)
    admission.failed()


def test_by_hand_it_is_said_when_the_table_does_not_take_it(worker, cloud):
    aws.dynamodb().delete_table(TableName=cloud.guards_table)
    with pytest.raises(ClientError):
        worker().reset("p")


def test_transitions_are_metrics_and_events(cloud, clock, capsys, caplog):
    breaker = CircuitBreaker(cloud.guards_table, BreakerSettings(failure_threshold=1), clock=clock)
    breaker.admit("p").failed()
    metric = next(line for line in _lines(capsys) if "_aws" in line)
    assert (metric["CircuitTransitions"], metric["CircuitOpened"], metric["circuit"]) == ([1.0], [1.0], "p")
    event = next(record for record in caplog.records if getattr(record, "event", "") == "circuit_changed")
    assert (event.circuit, event.before, event.after) == ("p", "CLOSED", "OPEN")


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def _refuses(**_: object) -> None:
    raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "busy"}}, "GetItem")


def test_people_hear_when_a_circuit_opens_and_when_it_closes(cloud, bus):
    breaker = CircuitBreaker(cloud.guards_table, cache_s=0)
    fail(breaker, 5)
    breaker.reset("p")
    assert bus.told == [("api.circuit_breaker", "p", "begins"), ("api.circuit_breaker", "p", "ends")]


def test_a_circuit_opens_also_where_nobody_can_be_told(cloud, bus):
    bus.is_down = True
    breaker = CircuitBreaker(cloud.guards_table, cache_s=0)
    fail(breaker, 5)
    with pytest.raises(CircuitOpen):
        breaker.admit("p")
