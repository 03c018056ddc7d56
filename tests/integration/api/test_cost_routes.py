"""What was spent, as the API tells it."""

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from backstay.clock import utc_now
from backstay.costs.rows import updates
from backstay.costs.spending import spendings
from backstay.jobs.counter_store import CounterStore
from backstay.jobs.counters import Deltas
from backstay.jobs.record import JobRecord
from backstay.receipt import Call
from backstay.settings import Environment
from tests.unit.costs.streams import a_call, a_job, completed, retried, told

YEAR = {"window": "yearly"}  # a test that runs at midnight finds the day before in it, too


@pytest.fixture
def spend(cloud: Environment) -> Callable[..., None]:
    """Lets a job go through some states and the stream tell of it."""
    store = CounterStore(cloud.jobs_table)

    def spend(*states: JobRecord) -> None:
        records = told(*states)
        store.add(Deltas(), [record["eventID"] for record in records], updates(cloud.jobs_table, spendings(records)))

    return spend


def done(job: JobRecord, *calls: Call) -> JobRecord:
    return completed(job, *calls, at=utc_now())


def by_name(document: dict[str, Any], what: str = "cost_usd") -> dict[str, Any]:
    return {group["name"]: group[what] for group in document["groups"]}


def test_costs_are_listed_by_whatever_is_asked_for(client, spend) -> None:
    one, other = a_job(1, tags=["news"]), a_job(2, tenant="umbrella", task="act")
    spend(one, done(one, a_call("0.25"), a_call("0.5", "anthropic", "claude")))
    spend(other, done(other, a_call("0.125", "twilio", "", operation="sms")))
    caller = client()

    expected = {
        "provider": {"anthropic": "0.5", "openai": "0.25", "twilio": "0.125"},
        "model": {"anthropic/claude": "0.5", "openai/m": "0.25", "twilio": "0.125"},
        "task": {"obey": "0.75", "act": "0.125"},
        "tenant": {"acme": "0.75", "umbrella": "0.125"},
        "tag": {"news": "0.75"},
        "operation": {"completion": "0.75", "sms": "0.125"},
    }
    for by, groups in expected.items():
        answer = caller("GET", "/api/costs", query={"by": by, **YEAR})
        assert answer.status == 200, answer.text
        found = by_name(answer.json)
        assert list(found) == list(groups)
        assert {name: Decimal(usd) for name, usd in found.items()} == {n: Decimal(usd) for n, usd in groups.items()}
        assert Decimal(answer.json["total"]["cost_usd"]) == Decimal("0.875")
        assert answer.json["total"]["jobs"] == 2


def test_a_tenant_s_key_sees_that_tenant_s_costs_alone(client, spend) -> None:
    for number, tenant in enumerate(("acme", "umbrella")):
        job = a_job(number, tenant, tags=[f"tag of {tenant}"])
        spend(job, done(job, a_call("0.25")))
    caller = client("acme", "read")

    for by, name in (("provider", "openai"), ("tenant", "acme"), ("tag", "tag of acme")):
        answer = caller("GET", "/api/costs", query={"by": by, **YEAR})
        assert answer.json["tenant"] == "acme"
        assert list(by_name(answer.json)) == [name]
        assert Decimal(answer.json["total"]["cost_usd"]) == Decimal("0.25")
        assert {one["scope"].partition(":")[0] for one in answer.json["runway"]} <= {"tenant", "key"}
    assert caller("GET", "/api/costs", query={"tenant": "umbrella"}).status == 403
    asked = client()("GET", "/api/costs", query={"tenant": "umbrella", "by": "tag", **YEAR})
    assert list(by_name(asked.json)) == ["tag of umbrella"]


def test_sums_tell_calls_tokens_average_per_job_savings_and_what_was_lost(client, spend) -> None:
    job, other = a_job(1), a_job(2)
    first = retried(job, a_call("0.25"), at=utc_now())
    spend(job, first, done(first, a_call("0.5", cached_tokens=60)))
    spend(other, done(other, a_call("0", cached=True, saved_usd=Decimal("0.125"))))

    total = client()("GET", "/api/costs", query=YEAR).json["total"]
    assert (total["calls"], total["input_tokens"], total["output_tokens"], total["cached_tokens"]) == (2, 200, 20, 60)
    assert (total["jobs"], total["cache_hits"], total["unpriced_calls"]) == (2, 1, 0)
    amounts = {name: Decimal(total[name]) for name in ("cost_per_job_usd", "cache_saved_usd", "lost_usd")}
    assert amounts == {
        "cost_per_job_usd": Decimal("0.375"),
        "cache_saved_usd": Decimal("0.125"),
        "lost_usd": Decimal("0.25"),
    }


def test_budgets_with_limits_have_a_runway(client, spend) -> None:
    job = a_job()
    spend(job, done(job, a_call("2")))

    runway = client()("GET", "/api/costs", query=YEAR).json["runway"]
    total = {one["window"]: one for one in runway if one["scope"] == "total"}
    assert set(total) == {"daily", "monthly", "yearly"}
    assert all(Decimal(one["a_day_usd"]) == 2 for one in total.values())
    assert total["yearly"]["days"] == pytest.approx(60_000 / 2)
    assert total["yearly"]["runs_out_at"] is None
    unused = next(one for one in runway if one["scope"] == "provider:slack")
    assert unused["days"] is None


def test_only_the_most_costly_are_listed_where_there_are_many(client, spend) -> None:
    for number in range(3):
        job = a_job(number, f"tenant-{number}")
        spend(job, done(job, a_call(f"0.{number + 1}")))

    answer = client()("GET", "/api/costs", query={"by": "tenant", "limit": "1", **YEAR})
    assert list(by_name(answer.json)) == ["tenant-2"]
    assert answer.json["more_groups"] == 2


@pytest.mark.parametrize("query", [{"window": "hourly"}, {"by": "colour"}, {"limit": "0"}, {"tenant": "A B"}])
def test_what_can_not_be_asked_is_refused(client, query) -> None:
    assert client()("GET", "/api/costs", query=query).status == 422


def test_the_accounts_go_out_line_by_line_as_csv_and_json(client, spend) -> None:
    one, other = a_job(1, tags=["=HYPERLINK(1)"]), a_job(2, "umbrella")
    spend(one, done(one, a_call("0.25")))
    spend(other, done(other, a_call("0.5")))
    caller = client()

    days = {"first": f"{utc_now().year}-01-01"}
    answer = caller("GET", "/api/costs/export", query=days)
    assert answer.headers["content-type"].startswith("text/csv")
    assert ".csv" in answer.headers["content-disposition"]
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["tenant"], row["model"], Decimal(row["cost_usd"]), row["jobs"]) for row in table] == [
        ("acme", "m", Decimal("0.25"), "1"),
        ("umbrella", "m", Decimal("0.5"), "1"),
    ]
    found = caller("GET", "/api/costs/export", query={"format": "json", "of": "tags", **days}).json["rows"]
    assert [(row["tenant"], row["tag"]) for row in found] == [("acme", "=HYPERLINK(1)")]
    assert "'=HYPERLINK(1)" in caller("GET", "/api/costs/export", query={"of": "tags", **days}).text


def test_days_to_come_have_no_lines_and_do_no_harm(client) -> None:
    for first in ("0001-01-01", f"{utc_now():%Y-%m-%d}"):
        last = first if first.startswith("0") else "9999-12-31"
        answer = client()("GET", "/api/costs/export", query={"format": "json", "first": first, "last": last})
        assert (answer.status, answer.json["rows"]) == (200, [])


def test_a_tenant_s_key_exports_that_tenant_s_lines_alone(client, spend) -> None:
    for number, tenant in enumerate(("acme", "umbrella")):
        job = a_job(number, tenant)
        spend(job, done(job, a_call("0.25")))
    query = {"format": "json", "first": f"{utc_now().year}-01-01"}
    rows = client("acme", "read")("GET", "/api/costs/export", query=query).json["rows"]
    assert {row["tenant"] for row in rows} == {"acme"}


@pytest.mark.parametrize(
    "query",
    [
        {"first": "2026-02-01", "last": "2026-01-01"},
        {"first": "2024-01-01", "last": "2026-01-01"},
        {"first": "yesterday"},
        {"first": "9999-12-31", "last": "9999-12-31"},
        {"format": "xml"},
    ],
)
def test_days_that_are_none_or_too_many_are_refused(client, query) -> None:
    assert client()("GET", "/api/costs/export", query=query).status == 422


def test_amounts_are_written_out_however_small_they_are(client) -> None:
    costs = client()("GET", "/api/costs").json
    assert costs["projection"]["yearly_usd"] == "0.000000000000"
