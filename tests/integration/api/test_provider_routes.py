"""Providers and breakers through the API: how they are, whether they answer, pausing and closing by hand."""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock

from backstay import aws
from backstay.budgets.budget import Limit
from backstay.budgets.periods import Window
from backstay.budgets.store import LedgerStore
from backstay.circuits import PAUSED, UNPAID, Circuits, provider_circuit
from backstay.config import load
from backstay.credit import Balance, CreditState, write_credit
from backstay.llm.activity import Activity, activity, read_today
from backstay.llm.process import forget_switchboard
from backstay.rates import provider_rate
from backstay.receipt import Call

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def deployed(cloud, llmock: LLMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    file = tmp_path / "backstay.toml"
    file.write_text(
        f"""
        [providers.house]
        kind = "compatible"
        secret = "provider/house"
        base_url = "{llmock.base_url()}"
        timeout_s = 2
        breaker = {{ failure_threshold = 3 }}
        limits = {{ requests_per_minute = 60, requests_per_day = 1000 }}
        [providers.spare]
        kind = "openai"
        secret = "provider/spare"
        [routes]
        default = ["house/tiny"]
        [prices."house/tiny"]
        input = 1
        output = 1
        [outbound]
        allow_hosts = ["api.example.com"]
        """
    )
    monkeypatch.setenv("BACKSTAY_CONFIG", str(file))
    for name, value in asdict(cloud).items():
        monkeypatch.setenv(f"BACKSTAY_{name.upper()}", value)
    aws.secretsmanager().create_secret(Name="backstay/test/provider/house", SecretString="sk-house-s3cr3t")
    forget_switchboard()
    activity.add(cloud.guards_table, datetime.now(UTC) - timedelta(days=2))  # what other tests did in this process
    yield
    forget_switchboard()


class TryProvider:
    """Lambda, at the edge of botocore: the real function answers, unless it is told to break."""

    def __init__(self) -> None:
        self.breaks = False
        aws.awslambda_to_wait_for().meta.events.register("before-call.lambda.Invoke", self.invoke)

    def invoke(self, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        from try_provider.handler import handler

        assert params["url_path"] == "/2015-03-31/functions/backstay-test-try-provider/invocations"
        if self.breaks:
            said, broke = b'{"errorMessage": "timed out"}', {"FunctionError": "Unhandled"}
        else:
            answer = handler(json.loads(params["body"]), SimpleNamespace(aws_request_id="1", function_name="try"))
            said, broke = json.dumps(answer).encode(), {}
        return SimpleNamespace(status_code=200), {"Payload": io.BytesIO(said), "ResponseMetadata": {}, **broke}


@pytest.fixture(autouse=True)
def try_provider(deployed: None) -> TryProvider:
    return TryProvider()


@pytest.fixture
def circuits(cloud) -> Circuits:
    return Circuits(load(), cloud.guards_table)


def provider(caller, name="house"):
    answer = caller("GET", "/api/providers")
    assert answer.status == 200, answer.text
    return next(one for one in answer.json["providers"] if one["name"] == name)


def test_a_provider_shows_what_it_is_and_did(cloud, client, circuits):
    one = Activity()
    one.note_answer(Call("house", "tiny", 10, 5, 300, Decimal("0.0015")))
    one.note_failure("house")
    one.add(cloud.guards_table, datetime.now(UTC))
    rate = provider_rate("house", load().providers["house"].limits, cloud.guards_table)
    rate.take(priority="high")
    write_credit(cloud.guards_table, "house", CreditState().with_balance(Balance(Decimal("4.5"), Decimal("0.25")), NOW))

    shown = provider(client())
    assert (shown["kind"], shown["configured"], shown["missing"], shown["paused"]) == ("compatible", True, None, False)
    assert shown["today"] == {
        "calls": 1,
        "failures": 1,
        "success_rate": 0.5,
        "average_latency_ms": 300,
        "input_tokens": 10,
        "output_tokens": 5,
        "cost_usd": "0.0015",
    }
    assert (shown["breaker"]["name"], shown["breaker"]["state"]) == ("provider:house", "closed")
    assert shown["breaker"]["failure_threshold"] == 3
    assert shown["rate"]["requests_per_minute"] == 60
    assert shown["rate"]["requests"] == shown["rate"]["requests_today"] == 10, (
        "one, and nine that its worker has to spare"
    )
    assert (shown["credit"]["remaining_usd"], shown["credit"]["used_today_usd"]) == ("4.5", "0.25")
    assert shown["credit"]["checked_at"] == "2026-11-25T04:00:00.000Z"


def test_a_provider_without_a_key_says_what_it_lacks(client):
    shown = provider(client(), "spare")
    assert shown["configured"] is False
    assert "provider/spare" in shown["missing"]
    assert (shown["rate"], shown["credit"], shown["today"]["success_rate"]) == (None, None, None)


def test_a_try_makes_one_tiny_call_and_counts_it(cloud, client, llmock):
    trial = client()("POST", "/api/providers/house/test").json
    assert (trial["ok"], trial["model"], trial["error_class"]) == (True, "tiny", None)
    assert trial["output_tokens"] > 0
    assert Decimal(trial["cost_usd"]) > 0
    assert len(llmock.requests) == 1
    assert read_today(cloud.guards_table, ["house"], datetime.now(UTC))["house"].calls == 1


def test_a_try_is_paid_from_the_budgets_of_its_provider_and_of_the_whole(cloud, client):
    trial = client()("POST", "/api/providers/house/test").json
    for budget in LedgerStore(cloud.guards_table).read(["total", "provider:house"]).values():
        assert budget.reserved == 0
        assert budget.accounts[Window.DAILY].spent == Decimal(trial["cost_usd"])


def test_no_try_is_made_that_nobody_has_priced_or_that_there_is_no_money_for(cloud, client, llmock):
    assert client()("POST", "/api/providers/house/test", query={"model": "new"}).json["error_class"] == "unpriced"
    client()("POST", "/api/providers/house/test")
    store = LedgerStore(cloud.guards_table)
    store.set_limit(store.read(["total"])["total"], Window.DAILY, Limit(Decimal(0)), by_hand=True)
    refused = client()("POST", "/api/providers/house/test").json
    assert (refused["ok"], refused["error_class"]) == (False, "budget_exceeded")
    assert "budget total daily" in refused["message"]
    assert len(llmock.requests) == 1


@pytest.mark.parametrize(
    ("status", "error_class"),
    [(401, "auth"), (402, "payment"), (429, "rate_limited"), (500, "server"), (503, "overloaded")],
)
def test_a_try_that_fails_tells_why_and_never_the_key(cloud, client, llmock, status, error_class):
    llmock.fail(status)
    answer = client()("POST", "/api/providers/house/test")
    assert (answer.status, answer.json["ok"], answer.json["error_class"]) == (200, False, error_class)
    assert "house/tiny" in answer.json["message"]
    assert "s3cr3t" not in answer.text
    assert read_today(cloud.guards_table, ["house"], datetime.now(UTC))["house"].failures == 1


def test_a_try_is_made_whatever_the_breaker_says(client, llmock, circuits):
    circuits.pause("house")
    assert client()("POST", "/api/providers/house/test").json["ok"]


def test_a_key_that_is_missing_is_told_and_one_that_was_just_set_is_seen_and_used(client):
    caller = client()
    ask = partial(caller, "POST", "/api/providers/spare/test", query={"model": "gpt-5.6-luna"})
    trial = ask().json
    assert (trial["ok"], trial["error_class"]) == (False, "auth")
    assert "backstay secrets set provider/spare" in trial["message"]
    assert not provider(caller, "spare")["configured"]

    aws.secretsmanager().create_secret(Name="backstay/test/provider/spare", SecretString="sk-spare")
    assert "backstay secrets set" not in ask().json["message"]
    assert provider(caller, "spare")["configured"]


def test_a_key_that_waits_for_its_deletion_is_none(client):
    aws.secretsmanager().delete_secret(SecretId="backstay/test/provider/house")
    assert not provider(client())["configured"]


def test_a_try_that_does_not_come_to_an_end_tells_nothing_of_the_provider(client, try_provider):
    try_provider.breaks = True
    answer = client()("POST", "/api/providers/house/test")
    assert answer.status == 503
    assert "backstay-test-try-provider" in answer.json["detail"]


def test_a_provider_that_no_route_names_needs_a_model(client):
    answer = client()("POST", "/api/providers/spare/test")
    assert (answer.status, list(answer.fields)) == (422, ["model"])


def test_a_provider_is_paused_and_resumed(client, circuits):
    caller = client()
    assert caller("POST", "/api/providers/house/pause").json["paused"]
    shown = provider(caller)
    assert (shown["paused"], shown["breaker"]["state"], shown["breaker"]["held"]) == (True, "open", PAUSED)
    assert provider(caller, "spare")["paused"] is False
    assert not caller("POST", "/api/providers/house/resume").json["paused"]
    assert provider(caller)["breaker"]["state"] == "closed"


def test_resuming_pays_no_debts(client, circuits):
    circuits.of_provider("house").hold_open(provider_circuit("house"), None, UNPAID)
    shown = client()("POST", "/api/providers/house/resume").json
    assert (shown["breaker"]["state"], shown["breaker"]["held"]) == ("open", UNPAID)


@pytest.mark.parametrize("action", ["test", "test?model=tiny", "pause", "resume"])
def test_an_unknown_provider_is_not_found(client, action):
    path, _, model = action.partition("?model=")
    answer = client()("POST", f"/api/providers/nobody/{path}", query={"model": model} if model else None)
    assert answer.status == 404
    assert "house, spare" in answer.json["detail"]


def test_breakers_of_providers_and_hosts_are_listed_and_closed_by_hand(client, circuits):
    caller = client()
    for _ in range(5):
        circuits.of_hosts.admit("host:api.example.com").failed()
    listed = {one["name"]: one["state"] for one in caller("GET", "/api/breakers").json["breakers"]}
    assert listed == {"provider:house": "closed", "provider:spare": "closed", "host:api.example.com": "open"}

    closed = caller("POST", "/api/breakers/host%3Aapi.example.com/reset").json
    assert (closed["state"], closed["failures"]) == ("closed", 0)
    assert [one["after"] for one in closed["transitions"]] == ["open", "closed"]
    assert closed["transitions"][-1]["reason"] == "reset by hand"


def test_a_provider_s_name_will_do_for_its_breaker(client, circuits):
    circuits.of_provider("house").hold_open(provider_circuit("house"), None, UNPAID)
    assert client()("POST", "/api/breakers/house/reset").json["name"] == "provider:house"
    assert circuits.stats("house").held == ""


def test_an_unknown_breaker_is_not_found(client):
    answer = client()("POST", "/api/breakers/nobody/reset")
    assert answer.status == 404
    assert "provider:house" in answer.json["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/providers"),
        ("POST", "/api/providers/house/test"),
        ("POST", "/api/providers/house/pause"),
        ("POST", "/api/providers/house/resume"),
        ("GET", "/api/breakers"),
        ("POST", "/api/breakers/house/reset"),
    ],
)
def test_what_concerns_every_tenant_is_for_keys_that_do(client, method, path):
    assert client("acme")(method, path).status == 403
    scope = "submit" if method == "GET" else "read"
    assert client("*", scope)(method, path).status == 403


def test_who_names_a_model_may_not_try_more_than_who_does_not(client, llmock):
    asked = len(llmock.requests)
    answer = client("acme")("POST", "/api/providers/house/test", query={"model": "tiny"})

    assert answer.status == 403
    assert "concerns every tenant" in answer.json["detail"]
    assert len(llmock.requests) == asked
