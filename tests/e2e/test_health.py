"""How the house stands, told by the house itself."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from .stack import Json, Stack

pytestmark = pytest.mark.e2e


def test_a_job_that_ends_is_in_every_number_that_people_see(stack: Stack) -> None:
    before = stack.get("/api/overview")["jobs"]["completed"]
    stack.wait(stack.submit("obey", {"text": "counted"})["id"], "completed")

    def counted() -> Json | None:
        found = stack.get("/api/overview")
        return found if found["jobs"]["completed"] > before else None

    overview = stack.until(counted)
    assert overview["status"] in {"healthy", "degraded", "unhealthy"}
    assert overview["health"]["worker"]["average_run_ms"] is None or overview["health"]["worker"]["average_run_ms"] >= 0
    points = stack.get("/api/history/obey/hour")["points"]
    assert sum(point["jobs"]["completed"] for point in points) >= 1
    worker = next(one for one in stack.get("/api/workers")["workers"] if one["task"] == "obey")
    assert worker["average_wait_ms"] is not None
    (jobs,) = (one for one in text_string_to_metric_families(metrics(stack)) if one.name == "backstay_jobs")
    samples = {tuple(sample.labels.values()): sample.value for sample in jobs.samples}
    assert samples["obey", "completed"] >= 1


def metrics(stack: Stack) -> str:
    answer = stack.request("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


def test_anybody_may_ask_whether_it_is_well_and_learns_nothing_else(stack: Stack) -> None:
    told = httpx.get(f"{stack.cloud.api_url}/health", timeout=40, trust_env=False).json()
    assert {name for name, value in told.items() if value is not None} == {"status"}
    assert stack.get("/health")["health"]["worker"]["tasks"] > 10


def test_nothing_that_the_house_can_not_read_is_hidden(stack: Stack) -> None:
    """Each function acts under its own role: what it may not read would stand among the reasons."""
    assert not [reason for reason in stack.get("/health")["reasons"] if "can't be read" in reason["text"]]
    for path in ("/api/integrations", "/api/config", "/api/history/costs/month"):
        assert stack.request("GET", path).status_code == 200, path
