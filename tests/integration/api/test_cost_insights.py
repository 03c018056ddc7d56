"""Where money could be saved, as the API tells it; what calls cost is asked of the real function that knows prices."""

import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backstay import aws
from backstay.clock import utc_now
from backstay.config import load
from backstay.costs.rows import updates
from backstay.costs.spending import spendings
from backstay.jobs.counter_store import CounterStore
from backstay.jobs.counters import Deltas
from backstay.jobs.store import JobStore
from backstay.settings import Environment
from tests.unit.costs.streams import a_call, a_job, completed, retried, told

TOML = """
[providers.house]
kind = "compatible"
base_url = "http://house.test/v1"
[routes]
default = ["house/large", "house/small"]
[prices."house/large"]
input = 10
output = 10
[prices."house/small"]
input = 1
output = 1
"""


@pytest.fixture(autouse=True)
def knows_prices(cloud: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Lambda, at the edge of botocore: the real function answers, unless it is told to break."""
    from try_provider.handler import handler

    file = tmp_path / "backstay.toml"
    file.write_text(TOML)
    monkeypatch.setenv("BACKSTAY_CONFIG", str(file))
    load.cache_clear()
    told_to = SimpleNamespace(breaks=False)

    def invoke(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        import json

        if told_to.breaks:
            return SimpleNamespace(status_code=200), {"FunctionError": "Unhandled", "Payload": io.BytesIO(b"{}")}
        answer = handler(json.loads(params["body"]), SimpleNamespace())  # type: ignore[arg-type]
        return SimpleNamespace(status_code=200), {"Payload": io.BytesIO(json.dumps(answer).encode())}

    aws.awslambda_to_wait_for().meta.events.register("before-call.lambda.Invoke", invoke)
    yield told_to
    load.cache_clear()


@pytest.fixture
def spend(cloud: Environment) -> None:
    """One tenant's job that failed once, and two that asked the same."""
    store, jobs = CounterStore(cloud.jobs_table), JobStore(cloud.jobs_table)
    for number in range(3):
        job = a_job(number)
        first = retried(job, a_call("2", "house", "large"), at=utc_now()) if number == 0 else job
        last = completed(first, a_call("2", "house", "large"), at=utc_now())
        records = told(job, first, last) if number == 0 else told(job, last)
        added = updates(cloud.jobs_table, spendings(records))
        store.add(Deltas(), [record["eventID"] for record in records], added)
        jobs.create(last)


def test_a_cheaper_route_and_what_failed_are_told_the_most_worthwhile_first(client, spend) -> None:
    answer = client()("GET", "/api/costs/insights")
    assert answer.status == 200, answer.text
    found = [(one["kind"], one["task"], Decimal(one["saving_usd"])) for one in answer.json["insights"]]
    assert found == [("cheaper_route", "obey", Decimal("7.2")), ("retries", "obey", Decimal(2))]


def test_another_tenant_s_money_is_no_insight(client, spend) -> None:
    assert client("umbrella", "read")("GET", "/api/costs/insights").json["insights"] == []
    assert client("acme", "read")("GET", "/api/costs/insights").json["tenant"] == "acme"


def test_where_prices_can_not_be_asked_for_that_is_said(client, spend, knows_prices) -> None:
    knows_prices.breaks = True
    answer = client()("GET", "/api/costs/insights")
    assert answer.status == 503
    assert "try-provider" in answer.json["detail"]
