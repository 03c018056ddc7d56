"""What providers did today, from many processes' counts to one answer."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError

from backstay import aws
from backstay.llm.activity import ADD_EVERY_S, Activity, Tally, read_today
from backstay.receipt import Call

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def call(provider="house", **more):
    numbers = {"input_tokens": 10, "output_tokens": 5, "latency_ms": 200, "cost_usd": Decimal("0.001")} | more
    return Call(provider=provider, model="tiny", **numbers)


def test_counts_of_many_processes_add_up(cloud):
    for _ in range(20):
        one = Activity()
        one.note_answer(call())
        one.note_answer(call(latency_ms=400, cost_usd=None))
        one.note_failure("house")
        one.note_failure("other")
        one.add(cloud.guards_table, NOON)

    found = read_today(cloud.guards_table, ["house", "other", "idle"], NOON)
    assert found["house"] == Tally(40, 20, 400, 200, 12_000, Decimal("0.020"))
    assert (found["house"].success_rate, found["house"].average_latency_ms) == (2 / 3, 300)
    assert found["other"] == Tally(failures=20)
    assert found["idle"] == Tally()
    assert (found["idle"].success_rate, found["idle"].average_latency_ms) == (None, None)


def test_a_new_day_starts_at_nothing_and_old_ones_go(cloud):
    one = Activity()
    one.note_answer(call())
    one.add(cloud.guards_table, NOON)
    assert read_today(cloud.guards_table, ["house"], NOON + timedelta(days=1)) == {"house": Tally()}
    [item] = aws.dynamodb().scan(TableName=cloud.guards_table)["Items"]
    assert int(item["ttl"]["N"]) == (NOON + timedelta(days=8)).timestamp()


def test_a_busy_process_writes_now_and_then_and_an_idle_one_never(cloud, monkeypatch):
    now, writes = 0.0, []
    one = Activity(lambda: now)
    update = aws.dynamodb().update_item
    monkeypatch.setattr(aws.dynamodb(), "update_item", lambda **request: writes.append(now) or update(**request))
    one.add_if_due(cloud.guards_table, NOON)
    for tick in range(1, 101):
        now = tick * ADD_EVERY_S / 5 + 1
        one.note_answer(call())
        one.add_if_due(cloud.guards_table, NOON)
    assert len(writes) == 20
    one.add(cloud.guards_table, NOON)
    assert read_today(cloud.guards_table, ["house"], NOON)["house"].calls == 100


def test_what_a_table_did_not_take_is_counted_still(cloud):
    one = Activity()
    one.note_answer(call())
    with pytest.raises(ClientError):
        one.add("no-such-table", NOON)
    one.add(cloud.guards_table, NOON)
    assert read_today(cloud.guards_table, ["house"], NOON)["house"].calls == 1
