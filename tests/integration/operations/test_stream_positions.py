"""Counters and accounts stay exact however Lambda hands over the stream."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backstay import aws
from backstay.clock import utc_now
from backstay.dynamodb import encode_item
from backstay.jobs.counters import deltas
from backstay.jobs.record import MOVES, State
from backstay.jobs.stream_position import Position, position_id
from backstay.settings import Environment
from follow_changes.counting import Counting

SHARDS = ("shard-a", "shard-b")
TENANTS = ("acme", "umbrella")
AT = int(utc_now().timestamp() * 1000)


def record(number: int, job: str, old: State | None, new: State) -> dict[str, Any]:
    def image(state: State) -> dict[str, Any]:
        return dict(
            encode_item({"id": job, "part": "state", "task": "obey", "state": str(state), "changed_at": AT + number})
        )

    images = {name: image(state) for name, state in (("OldImage", old), ("NewImage", new)) if state}
    return {"eventID": f"event-{job}-{number}", "dynamodb": {"SequenceNumber": f"{number:026d}", **images}}


def shard_of(lives: Sequence[Sequence[int]], shard: str) -> list[dict[str, Any]]:
    """What a shard carries of some jobs that live side by side: each moves on in turn."""
    states: list[State | None] = [None] * len(lives)
    found: list[dict[str, Any]] = []
    for step in range(max(map(len, lives), default=0) + 1):
        for job, life in enumerate(lives):
            if step > len(life):
                continue
            old = states[job]
            after = sorted(MOVES[old]) if old else [State.WAITING]
            if not after:
                continue
            states[job] = after[life[step - 1] % len(after)] if old else State.WAITING
            name = f"{TENANTS[job % 2]}.{shard}-{job}"
            found.append(record(10 * len(found) + 7, name, old, states[job] or State.WAITING))
    return found


@dataclass(frozen=True)
class Delivery:
    """One batch: how far back it begins, how long it is, and who gets it."""

    shard: int
    back: int
    length: int
    worker: int
    is_new_process: bool
    seed: int


deliveries = st.builds(
    Delivery,
    shard=st.integers(0, 1),
    back=st.integers(0, 12),
    length=st.integers(1, 9),
    worker=st.integers(0, 1),
    is_new_process=st.booleans(),
    seed=st.integers(0, 99),
)
lives = st.lists(st.lists(st.integers(0, 5), max_size=5), min_size=1, max_size=4)


def shuffled(records: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """The same records in another order, one of them twice."""
    mixed = [*records, *records[:1]]
    random.Random(seed).shuffle(mixed)
    return mixed


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.tuples(lives, lives), st.lists(deliveries, max_size=12))
def test_whatever_comes_again_out_of_order_or_to_another_process_is_counted_once(
    cloud: Environment, both: tuple[list[list[int]], list[list[int]]], plan: list[Delivery]
) -> None:
    """What Lambda promises, and no more: the first time, a shard's records come in order. All else is up to chance."""
    forget_all()
    shards = [shard_of(one, name) for one, name in zip(both, SHARDS, strict=True)]
    came = [0, 0]
    workers = [Counting(cloud.jobs_table), Counting(cloud.jobs_table)]  # the one may not know what the other did
    for one in plan:
        begin = max(0, came[one.shard] - one.back)
        batch = shards[one.shard][begin : begin + one.length]
        if one.is_new_process:
            workers[one.worker] = Counting(cloud.jobs_table)
        workers[one.worker].count(shuffled(batch, one.seed), SHARDS[one.shard])
        came[one.shard] = max(came[one.shard], begin + len(batch))
    for shard, records in enumerate(shards):
        workers[0].count(records[came[shard] :], SHARDS[shard])
        workers[1].count(records, SHARDS[shard])
    assert_exact(workers[0], [*shards[0], *shards[1]])


def assert_exact(counting: Counting, records: list[dict[str, Any]]) -> None:
    true = deltas(records)
    found = counting.counters.read_task("obey", utc_now())
    assert found.totals == {state: true.tasks.get("obey", {}).get(state, 0) for state in State}
    assert found.times == true.times.get("obey", type(found.times)())
    for tenant in TENANTS:
        kept = counting.counters.read_tenant(tenant).get("obey", {})
        for state in State:
            assert kept.get(state, 0) == true.tenants.get(tenant, {}).get(("obey", state), 0)


def forget_all() -> None:
    dynamodb = aws.dynamodb()
    for item in dynamodb.scan(TableName="jobs")["Items"]:
        dynamodb.delete_item(TableName="jobs", Key={"id": item["id"], "part": item["part"]})


def test_a_write_whose_answer_was_lost_is_found_out_by_the_next_try(
    cloud: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, counting = aws.dynamodb(), Counting(cloud.jobs_table)
    real, lost = client.transact_write_items, [True]

    def losing(**request: Any) -> Any:
        answer = real(**request)
        if lost:
            lost.clear()
            raise ConnectionError("the answer was lost")
        return answer

    monkeypatch.setattr(client, "transact_write_items", losing)
    records = shard_of([[0], [0]], SHARDS[0])
    with pytest.raises(ConnectionError):
        counting.count(records, SHARDS[0])
    assert counting.count(records, SHARDS[0]) == []
    assert_exact(counting, records)


def test_a_batch_of_two_hundred_tenants_is_counted_in_steps_each_with_its_position(cloud: Environment) -> None:
    counting = Counting(cloud.jobs_table)
    records = [record(number, f"t{number}.x", None, State.WAITING) for number in range(200)]
    counting.count(records[:150], SHARDS[0])
    assert [one["eventID"] for one in counting.count(records, SHARDS[0])] == [one["eventID"] for one in records[150:]]
    assert counting.counters.read_task("obey", utc_now()).totals[State.WAITING] == 200
    assert counting.counters.read_tenant("t199")["obey"][State.WAITING] == 1


def test_a_position_outlives_the_day_that_a_stream_keeps_its_records(cloud: Environment) -> None:
    Counting(cloud.jobs_table).count([record(41, "acme.x", None, State.WAITING)], SHARDS[0])
    item = aws.dynamodb().get_item(
        TableName="jobs", Key={"id": {"S": position_id(SHARDS[0])}, "part": {"S": "position"}}
    )["Item"]
    assert item["last"]["S"] == f"{41:026d}"
    assert int(item["ttl"]["N"]) > utc_now().timestamp() + 2 * 86_400


def test_numbers_of_a_sequence_are_compared_as_numbers() -> None:
    nine, ten = (record(number, "acme.x", None, State.WAITING) for number in (9, 10))
    nine["dynamodb"]["SequenceNumber"], ten["dynamodb"]["SequenceNumber"] = "9", "10"
    assert Position("s", "9").behind([ten, nine]) == [ten]
