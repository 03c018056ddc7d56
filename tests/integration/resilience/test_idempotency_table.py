"""Operations that run once, with Powertools' layout in a table."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from backstay import aws
from backstay.resilience.idempotency import Begun, Busy, Finished, Idempotency, StillRunning, key_of
from backstay.resilience.idempotency_table import TableStore

LATER = 4_000_000_000_000


@pytest.fixture
def store(cloud) -> TableStore:
    return TableStore(cloud.idempotency_table)


def test_processes_share_one_result(store):
    calls = []
    for _ in range(3):
        answer = Idempotency(store).once(key_of("charge", "42"), lambda: {"sum": calls.append(1) or 5})
        assert answer == {"sum": 5}
    assert len(calls) == 1


def test_threads_of_one_process_share_one_execution(store):
    idempotency, calls = Idempotency(store), []
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda _: idempotency.once("k", lambda: calls.append(1)), range(10)))
    assert calls == [1]


def test_a_failure_stores_nothing(store, cloud):
    with pytest.raises(ZeroDivisionError):
        Idempotency(store).once("k", lambda: 1 / 0)
    assert aws.dynamodb().get_item(TableName=cloud.idempotency_table, Key={"id": {"S": "k"}}).get("Item") is None


def test_a_key_under_lease_is_busy_until_it_ends_and_then_one_takes_it_over(store):
    past = 1_000
    assert store.begin("k", past) == Begun(past)
    assert store.begin("k", LATER) == Begun(LATER)
    assert store.begin("k", LATER + 1) == Busy(LATER)
    with pytest.raises(StillRunning):
        Idempotency(store, sleep=lambda _: None).once("k", lambda: pytest.fail("two ran at once"))


def test_who_lost_the_lease_can_neither_finish_nor_forget(store):
    lost = store.begin("k", 1_000)
    mine = store.begin("k", LATER)
    assert not store.finish("k", lost, '"zombie"', 60)
    store.forget("k", lost)
    assert store.finish("k", mine, '"mine"', 60)
    assert store.begin("k", LATER) == Finished('"mine"')
    assert not store.finish("k", lost, '"zombie"', 60)


def test_what_is_kept_is_as_powertools_would_have_kept_it(store, cloud):
    Idempotency(store).once("k", lambda: [1])
    item = aws.dynamodb().get_item(TableName=cloud.idempotency_table, Key={"id": {"S": "k"}})["Item"]
    assert set(item) == {"id", "status", "data", "ttl", "in_progress_expiration"}
    assert (item["status"]["S"], item["data"]["S"]) == ("COMPLETED", "[1]")


def test_a_result_that_is_past_its_time_is_run_anew(store):
    Idempotency(store, kept_s=-10).once("k", lambda: 1)
    assert Idempotency(store).once("k", lambda: 2) == 2
