"""Refusals at the gate that look like an attack."""

import pytest

from backstay.access.failed_tries import FailedTries
from backstay.access.key import new_key

WRONG, STRANGE = "security.authentication_failures", "security.suspicious_activity"


@pytest.fixture(autouse=True)
def _nobody_was_told_yet(monkeypatch) -> None:
    from api import refused_access

    monkeypatch.setattr(refused_access, "_told", type(refused_access._told)())


def try_key(stranger, key: str, times: int = 1) -> None:
    for _ in range(times):
        assert stranger("GET", "/api/jobs", headers={"authorization": f"Bearer {key}"}).status == 401


def test_people_hear_of_the_fifth_wrong_key_of_a_caller_and_for_a_minute_of_no_more(stranger, bus) -> None:
    try_key(stranger, new_key("0123456789"), times=4)
    assert bus.told == []
    try_key(stranger, new_key("0123456789"), times=5)
    assert bus.told == [(WRONG, "192.0.2.1", "happened")]


def test_who_shows_no_key_tries_none(stranger, bus) -> None:
    for _ in range(6):
        assert stranger("GET", "/api/jobs").status == 401
    assert bus.told == []


def test_a_key_with_the_id_of_another_is_forged(stranger, issue, bus) -> None:
    key_id = issue("newsroom").record.key_id
    try_key(stranger, new_key(key_id))
    assert bus.told == [(STRANGE, f"key:{key_id}", "happened")]
    assert new_key(key_id)[:14] not in bus.details[0]["text"].replace(key_id, "")


def test_a_key_that_was_revoked_is_wrong_and_not_forged(stranger, issue, key_store, bus) -> None:
    issued = issue("newsroom")
    key_store.revoke(issued.record.key_id)
    try_key(stranger, issued.key)
    assert bus.told == []


def test_a_key_used_for_another_tenant_is_told(client, bus) -> None:
    ours = client("newsroom")
    assert ours("GET", "/api/jobs", query={"tenant": "sports"}).status == 403
    assert bus.told == [(STRANGE, f"key:{ours.key.split('_')[1]}", "happened")]


def test_a_scope_that_a_key_lacks_is_no_attack(client, bus) -> None:
    assert client("newsroom", "read")("POST", "/api/jobs", {"task": "obey", "input": {}}).status == 403
    assert bus.told == []


def test_the_caller_is_answered_also_where_nobody_can_be_told(stranger, issue, bus) -> None:
    bus.is_down = True
    try_key(stranger, new_key(issue("newsroom").record.key_id), times=6)


def test_tries_count_within_a_window_that_slides(cloud, clock) -> None:
    from datetime import timedelta

    tries = FailedTries(cloud.guards_table, timedelta(minutes=5), clock)
    assert [tries.note("192.0.2.1") for _ in range(3)] == [1, 2, 3]
    assert tries.note("192.0.2.2") == 1
    clock.advance(299)
    assert tries.note("192.0.2.1") == 4
    clock.advance(2)
    assert tries.note("192.0.2.1") == 2


def test_who_tries_for_long_does_not_fill_the_table(cloud, clock) -> None:
    from datetime import timedelta

    from backstay import aws

    tries = FailedTries(cloud.guards_table, timedelta(minutes=5), clock)
    counts = [tries.note("192.0.2.1") for _ in range(160)]
    assert min(counts[5:]) >= 5
    item = aws.dynamodb().get_item(TableName=cloud.guards_table, Key={"id": {"S": "tries#192.0.2.1"}})["Item"]
    assert len(item["tries"]["L"]) <= 101
