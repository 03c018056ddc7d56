"""GET /metrics."""

from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from backstay import aws
from backstay.dynamodb import encode_item
from backstay.jobs.counter_store import task_counters_id, tenant_counters_id
from tests.integration.api.conftest import Client


def count(an_id: str, **counters: int) -> None:
    aws.dynamodb().put_item(TableName="jobs", Item=encode_item({"id": an_id, "part": "total", **counters}))


def samples(text: str) -> dict[tuple[str, ...], float]:
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        assert family.type != "unknown", family.name
        assert family.name.startswith("backstay_")
        for sample in family.samples:
            found[(sample.name, *sample.labels.values())] = sample.value
    return found


def test_prometheus_can_read_how_everything_stands(client: Callable[..., Client]) -> None:
    count(task_counters_id("obey"), completed=7, waiting=2, claims=4, wait_ms=1_000, runs=9, run_ms=1_800)
    answer = client("*", "read")("GET", "/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(answer.text)
    assert found["backstay_jobs", "obey", "completed"] == 7
    assert found["backstay_queue_wait_milliseconds_sum", "obey"] == 1_000
    assert found["backstay_run_time_milliseconds_count", "obey"] == 9
    assert found["backstay_budget_used_percent", "total", "daily"] == 0
    assert found["backstay_unread_parts",] == 0


def test_a_key_of_one_tenant_gets_that_tenants(client: Callable[..., Client]) -> None:
    count(tenant_counters_id("newsroom"), **{"obey#completed": 2})
    count(tenant_counters_id("sports"), **{"obey#completed": 40})
    answer = client("newsroom", "read")("GET", "/metrics")

    found = samples(answer.text)
    assert found["backstay_jobs", "obey", "completed"] == 2
    assert not any("budget" in name or "circuit" in name for name, *_ in found)
