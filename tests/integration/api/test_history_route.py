"""GET /api/history/{component}/{range}."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from backstay import aws
from backstay.clock import iso, utc_now
from backstay.costs.rows import updates
from backstay.costs.spending import spendings_of_usage
from backstay.dynamodb import encode_item
from backstay.jobs.counter_store import task_counters_id
from backstay.receipt import Call
from tests.integration.api.conftest import Client

POINTS = {"hour": 60, "day": 24, "week": 168, "month": 30, "year": 366}


def spend(tenant: str, provider: str, usd: str) -> None:
    call = Call(provider, "tiny", 10, 5, 100, Decimal(usd))
    spent = spendings_of_usage(call, tenant, "obey", [], utc_now())
    aws.dynamodb().transact_write_items(TransactItems=updates("jobs", spent))


@pytest.mark.parametrize("wanted", POINTS)
@pytest.mark.parametrize("component", ["jobs", "obey"])
def test_what_jobs_did_comes_in_steps(client: Callable[..., Client], component: str, wanted: str) -> None:
    minute = f"minute#{iso(utc_now())[:16]}"
    item = {"id": task_counters_id("obey"), "part": minute, "completed": 3, "runs": 2, "run_ms": 300}
    aws.dynamodb().put_item(TableName="jobs", Item=encode_item(item))
    answer = client("*", "read")("GET", f"/api/history/{component}/{wanted}")

    assert answer.status == 200, answer.text
    points = answer.json["points"]
    assert len(points) == POINTS[wanted]
    assert {point["costs"] for point in points} == {None}
    counted = [point["jobs"] for point in points if point["jobs"]["completed"]]
    assert counted == (
        [{"completed": 3, "failed": 0, "cancelled": 0, "average_run_ms": 150.0}] if wanted == "hour" else []
    )


def test_money_comes_by_the_day_and_by_provider(client: Callable[..., Client]) -> None:
    spend("newsroom", "house", "0.25")
    spend("newsroom", "other", "0.50")
    caller = client("*", "read")
    for component, usd in (("costs", "0.75"), ("other", "0.50")):
        points = caller("GET", f"/api/history/{component}/week").json["points"]
        assert len(points) == 7
        assert sum(Decimal(point["costs"]["cost_usd"]) for point in points) == Decimal(usd)


def test_a_tenant_sees_its_own_money_and_no_jobs(client: Callable[..., Client]) -> None:
    spend("newsroom", "house", "0.25")
    spend("sports", "house", "8")
    caller = client("newsroom", "read")
    points = caller("GET", "/api/history/costs/month").json["points"]
    assert sum(Decimal(point["costs"]["cost_usd"]) for point in points) == Decimal("0.25")
    assert caller("GET", "/api/history/jobs/day").status == 403
    assert caller("GET", "/api/history/costs/month", query={"tenant": "sports"}).status == 403


@pytest.mark.parametrize(
    ("path", "status"), [("nobody/month", 404), ("nobody/day", 404), ("costs/day", 422), ("jobs/decade", 422)]
)
def test_what_there_is_not_is_told(client: Callable[..., Client], path: str, status: int) -> None:
    assert client("*", "read")("GET", f"/api/history/{path}").status == status
