"""Credit that was bought: burned down by what the provider's budget spends, with a forecast."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from backstay import config
from backstay.circuits import UNPAID, Circuits, provider_circuit
from backstay.clock import utc_now
from check_credits.checking import Checking

TOML = """
[providers.house]
kind = "compatible"
base_url = "https://models.example.com/v1"
[rates.twilio]
sms_us = 0.01
"""
TOP_UPS = "/api/credits/twilio/top-ups"


@pytest.fixture(autouse=True)
def deployed(cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "backstay.toml"
    file.write_text(TOML)
    monkeypatch.setenv("BACKSTAY_CONFIG", str(file))
    config.load.cache_clear()
    yield
    config.load.cache_clear()


def spend(caller, messages: int) -> None:
    usage = {"provider": "twilio", "operation": "sms_us", "quantity": messages}
    assert caller("POST", "/api/usage", usage).status == 201


def top_up(caller, usd, **more):
    answer = caller("POST", TOP_UPS, {"usd": usd, **more})
    assert answer.status == 201, answer.text
    return answer.json


def listed(caller):
    return caller("GET", "/api/credits").json["credits"]


def test_what_was_spent_before_the_first_top_up_is_not_of_it(client):
    caller = client()
    assert listed(caller) == []
    spend(caller, 500)
    assert top_up(caller, "20")["left_usd"] == "20.00"
    spend(caller, 150)
    (credit,) = listed(caller)
    assert (credit["bought_usd"], credit["spent_usd"], credit["left_usd"]) == ("20.00", "1.50", "18.50")


def test_top_ups_add_up_and_a_repeated_key_is_one(client):
    caller = client()
    for _ in range(2):
        top_up(caller, "10", note="invoice 1", idempotency_key="one")
    credit = top_up(caller, "-2.5", note="typed wrong")
    assert credit["left_usd"] == "7.50"
    assert [(one["usd"], one["note"]) for one in credit["top_ups"]] == [("10", "invoice 1"), ("-2.5", "typed wrong")]


def test_it_is_told_when_it_runs_out_at_the_rate_of_late(client):
    caller = client()
    top_up(caller, "10")
    assert listed(caller)[0]["runs_out_at"] is None, "nothing is being spent"
    spend(caller, 200)
    (credit,) = listed(caller)
    assert (credit["a_day_usd"], credit["left_usd"]) == ("2.00", "8.00")
    left = datetime.fromisoformat(credit["runs_out_at"]) - utc_now()
    assert timedelta(days=3, hours=23) < left <= timedelta(days=4)
    spend(caller, 900)
    (credit,) = listed(caller)
    assert credit["left_usd"] == "-1.00"
    assert datetime.fromisoformat(credit["runs_out_at"]) <= utc_now()


def test_calls_that_were_held_for_want_of_payment_go_on(client, cloud):
    circuits = Circuits(config.load(), cloud.guards_table)
    circuits.of_provider("house").hold_open(provider_circuit("house"), None, UNPAID)
    assert client()("POST", "/api/credits/house/top-ups", {"usd": 5}).status == 201
    assert circuits.stats("house").held == ""


def test_the_hourly_check_counts_it_down_where_alarms_and_people_look(client, cloud, capsys):
    caller = client()
    assert caller("POST", "/api/credits/house/top-ups", {"usd": 4}).status == 201
    usage = {"provider": "house", "model": "tiny", "cost_usd": "0.75"}
    assert caller("POST", "/api/usage", usage).status == 201
    (checked,) = Checking(config.load(), cloud.guards_table, lambda _: None).check()
    assert (checked.provider, checked.state.balance.remaining_usd) == ("house", Decimal("3.25"))
    assert '"CreditsRemaining":[3.25]' in capsys.readouterr().out
    (provider,) = caller("GET", "/api/providers").json["providers"]
    assert (provider["credit"]["remaining_usd"], provider["credit"]["used_today_usd"]) == ("3.25", "0.75")


def test_who_is_no_provider_and_what_is_no_amount_is_refused(client):
    assert client()("POST", "/api/credits/nobody/top-ups", {"usd": 1}).status == 404
    assert client()("POST", TOP_UPS, {"usd": "NaN"}).status == 422
    assert client("acme")("POST", TOP_UPS, {"usd": 1}).status == 403
    assert client("acme")("GET", "/api/credits").status == 403
