"""Whether it is well: what anybody is told, what a key is told, and what is wrong."""

from collections.abc import Callable
from typing import Any

import pytest

from backstay import aws
from backstay.dynamodb import encode_item
from backstay.jobs.counter_store import task_counters_id, tenant_counters_id
from tests.integration.api.conftest import Client


def told(answer: dict[str, Any]) -> set[str]:
    return {name for name, value in answer.items() if value is not None}


def count(an_id: str, part: str = "total", **counters: int) -> None:
    aws.dynamodb().put_item(TableName="jobs", Item=encode_item({"id": an_id, "part": part, **counters}))


def test_without_a_key_only_the_status_is_told(stranger: Client) -> None:
    answer = stranger("GET", "/health")

    assert answer.status == 200
    assert told(answer.json) == {"status"}
    assert answer.json["status"] == "healthy"


def test_with_a_key_it_tells_stage_tasks_and_what_the_key_may_do(client: Callable[..., Client]) -> None:
    answer = client("newsroom", "submit")("GET", "/health").json

    assert told(answer) == {"status", "stage", "tasks", "key"}
    assert answer["stage"] == "test"
    assert "obey" in answer["tasks"]
    assert answer["key"]["tenant"] == "newsroom"
    assert answer["key"]["scopes"] == ["submit"]
    assert answer["key"]["has_webhook_secret"] is False


def test_a_wrong_key_is_told_so_here_too(stranger: Client) -> None:
    assert stranger("GET", "/health", headers={"authorization": "Bearer wrong"}).status == 401


def test_whoever_may_read_for_all_tenants_is_told_how_each_part_does(client: Callable[..., Client]) -> None:
    count(task_counters_id("obey"), completed=3, failed=1)
    answer = client("*", "read")("GET", "/health").json

    assert answer["reasons"] == []
    assert answer["health"]["worker"]["tasks"] == 4
    assert answer["health"]["cache"] == {"hits": 0, "calls": 0, "hit_rate": None, "saved_usd": "0"}
    assert answer["health"]["workflows"] == {
        "active": 0,
        "stuck": 0,
        "pending_compensations": 0,
        "cross_workflow_calls": 0,
    }
    assert {provider["state"] for provider in answer["health"]["providers"]} == {"closed"}


def test_a_key_of_one_tenant_is_told_nothing_of_others(client: Callable[..., Client]) -> None:
    count(task_counters_id("obey"), "paused")
    answer = client("newsroom", "read")("GET", "/health").json

    assert answer["status"] == "degraded"
    assert answer["reasons"] is None
    assert answer["health"]["providers"] is None
    assert answer["health"]["worker"]["paused"] is None


def test_a_paused_task_degrades_it(client: Callable[..., Client]) -> None:
    count(task_counters_id("obey"), "paused")
    answer = client("*", "read")("GET", "/health").json

    assert answer["status"] == "degraded"
    assert answer["reasons"] == [{"status": "degraded", "about": "obey", "text": "is paused"}]
    assert answer["health"]["worker"]["paused"] == ["obey"]


def test_a_table_that_does_not_answer_makes_it_unhealthy_and_is_named_to_whoever_may_know(
    client: Callable[..., Client], stranger: Client
) -> None:
    aws.dynamodb().delete_table(TableName="alerts")
    everybody = stranger("GET", "/health")
    answer = client("*", "read")("GET", "/health").json

    assert (everybody.status, told(everybody.json), everybody.json["status"]) == (200, {"status"}, "unhealthy")
    assert [(reason["about"], reason["status"]) for reason in answer["reasons"]] == [("alerts", "unhealthy")]


def test_the_overview_is_the_house_at_a_glance(client: Callable[..., Client]) -> None:
    count(task_counters_id("obey"), completed=3, failed=1, waiting=2)
    answer = client("*", "read")("GET", "/api/overview")

    assert answer.status == 200, answer.text
    assert (answer.json["status"], answer.json["reasons"]) == ("healthy", [])
    assert (answer.json["jobs"]["completed"], answer.json["jobs"]["waiting"]) == (3, 2)
    assert answer.json["alerts"] == {"unresolved": 0, "by_severity": {}}
    assert 1 <= len(answer.json["budgets"]) <= 10


def test_a_tenants_overview_is_its_own(client: Callable[..., Client]) -> None:
    count(tenant_counters_id("newsroom"), **{"obey#completed": 2})
    count(tenant_counters_id("sports"), **{"obey#completed": 40})
    answer = client("newsroom", "read")("GET", "/api/overview").json

    assert (answer["tenant"], answer["jobs"]["completed"]) == ("newsroom", 2)
    assert {name for name in answer if answer[name] is None} == {"status", "reasons", "alerts", "budgets"}
    assert client("newsroom", "read")("GET", "/api/overview", query={"tenant": "sports"}).status == 403


@pytest.mark.parametrize("tenant", ["*", "newsroom"])
def test_workers_are_told_task_by_task(client: Callable[..., Client], tenant: str) -> None:
    count(task_counters_id("obey"), claims=4, wait_ms=1_000, ended=2, attempts=3)
    answer = client(tenant, "read")("GET", "/api/workers")

    assert answer.status == 200, answer.text
    obey = next(worker for worker in answer.json["workers"] if worker["task"] == "obey")
    assert obey["queues"] == ["obey"]
    assert obey["batch_size"] * 2 <= obey["most_at_once"]
    everybody = (250.0, 1.5)
    assert (obey["average_wait_ms"], obey["average_attempts"]) == (everybody if tenant == "*" else (None, None))
