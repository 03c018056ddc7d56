"""The hourly check of credit, against a real server that answers as OpenRouter does."""

import contextlib
import json
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import CircuitState
from hypothesis import given
from hypothesis import strategies as st

from backstay import config
from backstay.budgets.budget import Budget
from backstay.budgets.top_ups import TopUp, TopUps
from backstay.circuits import PAUSED, UNPAID, Circuits, provider_circuit
from backstay.credit import Balance, read_credits
from check_credits.checking import Checking, metrics_of
from check_credits.openrouter import CheckFailed, read_balance
from tests.receivers import Receiver, hangs_up, receiver, status

KEY = "sk-or-s3cr3t"
LIMITED = {
    "limit": 20,
    "limit_remaining": 12.5,
    "usage": 7.5,
    "usage_daily": 0.75,
    "usage_weekly": 3,
    "usage_monthly": 7.5,
    "is_free_tier": False,
}
ACCOUNT = {"total_credits": 30.1, "total_usage": 10.6}


@pytest.fixture
def openrouter() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def says(openrouter: Receiver, key: object = LIMITED, account: object = ACCOUNT) -> None:
    def answer(data: object) -> Callable[..., None]:
        return status(200, json.dumps({"data": data}).encode(), Content_Type="application/json")

    openrouter.answers(answer(key), answer(account))


@pytest.fixture
def settings(openrouter):
    return config.parse(
        '[providers.gateway]\nkind = "openrouter"\nsecret = "provider/gateway"\n'
        f'base_url = "{openrouter.url("/api/v1")}"\n'
        '[providers.openai]\nkind = "openai"\nsecret = "provider/openai"\n'
        f'[outbound]\nallow_private = ["{openrouter.pair}"]\n'
    )


@pytest.fixture
def checking(cloud, settings, clock):
    secrets = {"provider/gateway": KEY, "provider/openai": "sk-x"}
    return Checking(settings, cloud.guards_table, secrets.get, clock=clock)


def known(cloud):
    return read_credits(cloud.guards_table, ["gateway"])["gateway"]


def test_what_is_left_is_learned_and_kept(cloud, openrouter, checking, clock):
    says(openrouter)
    [checked] = checking.check()
    assert checked.provider == "gateway"
    assert known(cloud) == checked.state
    assert checked.state.balance == Balance(Decimal("12.5"), Decimal("0.75"), Decimal(3), Decimal("7.5"))
    assert abs((checked.state.checked_at - clock()).total_seconds()) < 5
    assert [request.path for request in openrouter.received] == ["/api/v1/key", "/api/v1/credits"]
    assert {request.headers["authorization"] for request in openrouter.received} == {f"Bearer {KEY}"}


def test_it_is_measured(openrouter, checking, capsys):
    says(openrouter)
    checking.check()
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "CreditsRemaining" in line]
    assert (line["CreditsRemaining"], line["CreditsUsedToday"]) == ([12.5], [0.75])
    assert (line["CreditChecksFailedInARow"], line["Provider"]) == ([0.0], "gateway")


@pytest.mark.parametrize(
    ("key", "account", "remaining"),
    [
        (LIMITED, {"total_credits": 11, "total_usage": 10.6}, "0.4"),
        ({**LIMITED, "limit": None, "limit_remaining": None}, ACCOUNT, "19.5"),
        (LIMITED, {}, "12.5"),
        ({"limit_remaining": None}, {}, None),
        (LIMITED, {"total_credits": 10, "total_usage": 10.25}, "-0.25"),
    ],
)
def test_the_smaller_of_key_and_account_counts(key, account, remaining):
    found = read_balance(json.loads(json.dumps(key), parse_float=Decimal), account)
    assert found.remaining_usd == (None if remaining is None else Decimal(remaining))


@given(
    st.dictionaries(
        st.sampled_from(sorted(LIMITED)), st.one_of(st.none(), st.floats(), st.text(), st.lists(st.none())), max_size=3
    )
)
def test_whatever_is_said_is_an_amount_or_a_failure(key):
    with contextlib.suppress(CheckFailed):
        assert read_balance(key, {}).remaining_usd is None or "limit_remaining" in key


@pytest.mark.parametrize(
    "answer",
    [
        status(401, b"no"),
        status(500),
        status(200, b"<html>"),
        status(200, b"[]"),
        status(200, b'{"data": [1]}'),
        status(200, b'{"data": {"usage_daily": "much"}}'),
        hangs_up,
    ],
)
def test_a_check_that_fails_is_counted_and_told_without_the_key(cloud, openrouter, checking, capsys, answer):
    openrouter.answers(answer)
    for times in (1, 2, 3):
        [checked] = checking.check()
        assert checked.state.failures_in_a_row == times
    assert known(cloud).problem
    assert KEY not in known(cloud).problem + capsys.readouterr().out
    assert [(metric.name, metric.value) for metric in metrics_of(checked.state)] == [("CreditChecksFailedInARow", 3)]

    says(openrouter)
    assert checking.check()[0].state.failures_in_a_row == 0


def test_what_was_known_stays_known_when_a_check_fails(cloud, openrouter, checking):
    says(openrouter)
    checking.check()
    openrouter.answers(status(500))
    checking.check()
    assert known(cloud).balance.remaining_usd == Decimal("12.5")


def test_a_provider_without_a_key_is_not_asked(cloud, settings, openrouter):
    assert Checking(settings, cloud.guards_table, {}.get).check() == []
    assert openrouter.received == []


@pytest.mark.parametrize(
    ("held", "left", "closes"), [(UNPAID, 12.5, True), (UNPAID, 0, False), (UNPAID, -1, False), (PAUSED, 12.5, False)]
)
def test_who_was_held_for_payment_goes_on_once_there_is_credit(
    cloud, settings, openrouter, checking, held, left, closes
):
    circuits = Circuits(settings, cloud.guards_table)
    circuits.of_provider("gateway").hold_open(provider_circuit("gateway"), None, held)
    says(openrouter, {**LIMITED, "limit_remaining": left})
    checking.check()
    stats = Circuits(settings, cloud.guards_table).stats(provider_circuit("gateway"))
    assert (stats.state is CircuitState.CLOSED) is closes
    assert stats.held == ("" if closes else held)


def test_what_was_bought_of_a_provider_without_models_is_told_when_it_runs_low_and_when_it_no_longer_does(
    cloud, clock, bus
):
    """Alarms stand for providers of models alone: one costs ten cents a month."""
    settings = config.parse("[rates.twilio]\nsms = 0.01\n[rates.slack]\nmessage = 0.01\n")
    checking, bought = Checking(settings, cloud.guards_table, dict[str, str]().get, clock=clock), TopUps("guards")
    bought.add(Budget("provider:twilio", {}), TopUp(Decimal(3), clock()), "first")
    checking.check()
    assert bus.told == [("cost.credits_low", "twilio", "begins"), ("cost.credits_critical", "twilio", "ends")]
    bus.details.clear()
    bought.add(Budget("provider:twilio", {}), TopUp(Decimal(30), clock()), "second")
    checking.check()
    assert bus.told == [("cost.credits_low", "twilio", "ends"), ("cost.credits_critical", "twilio", "ends")]
