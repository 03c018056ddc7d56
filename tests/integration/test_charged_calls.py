"""call-http of providers paid by the operation: reserved before, settled by the answer, told in the receipt."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from backstay import config
from backstay.budgets.budget import Budget
from backstay.budgets.periods import Window
from backstay.budgets.store import LedgerStore
from backstay.catalog import Catalog
from backstay.errors import ErrorClass
from backstay.jobs.record import JobRecord, State
from backstay.settings import Environment
from cli.local.state import REPOSITORY
from tests.integration.http_calls import TASK, call_http_told, catalog_with_call_http
from tests.receivers import Receiver, hangs_up, receiver, status

SMS = {"method": "POST", "json": {"to": "+1"}, "provider": "twilio", "operation": "sms_us"}
OK = status(200, b"{}", Content_Type="application/json")


@pytest.fixture
def host() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def catalog(cloud: Environment, tmp_path: Path) -> Catalog:
    return catalog_with_call_http(tmp_path)


@pytest.fixture(autouse=True)
def deployed(cloud: Environment, host: Receiver, tmp_path: Path) -> Iterator[None]:
    toml = f"""
        [outbound]
        allow_private = ["{host.pair}", "127.0.0.1:9"]
        [rates.twilio]
        sms_us = 0.0075
        free = 0
        [budgets.providers.twilio]
        daily = 0.02
        [budgets.quotas.twilio.requests]
        monthly = 3
    """
    with call_http_told(cloud, toml, tmp_path):
        yield


@pytest.fixture
def call(machine, host):
    def call(*answers, **wanted) -> JobRecord:
        if answers:
            host.answers(*answers)
        record = machine.submit(TASK, {"url": host.url(), **SMS, **wanted}, tenant="acme", key_id="k1")
        machine.deliver(TASK, remaining_ms=80_000)
        return machine.record(record.id)

    return call


@pytest.fixture
def budget(cloud):
    def budget(scope: str = "provider:twilio") -> Budget:
        found = LedgerStore(cloud.guards_table).read([scope])[scope]
        assert found.reserved == 0
        return found

    return budget


def spent(budget: Budget) -> Decimal:
    return budget.accounts[Window.YEARLY].spent


def test_an_operation_is_spent_in_every_scope_and_stands_in_the_receipt(call, budget):
    record = call(OK, quantity="2")
    assert record.state is State.COMPLETED, record.failures
    (line,) = record.receipt.calls
    assert (line.provider, line.model, line.operation, line.quantity) == ("twilio", "", "sms_us", 2)
    assert (line.cost_usd, line.price_version) == (Decimal("0.0150"), "backstay.toml")
    for scope in ("total", "provider:twilio", "tenant:acme", "task:call-http", "key:k1"):
        assert spent(budget(scope)) == Decimal("0.015")
    assert spent(budget("quota:twilio:requests")) == 1


def test_at_the_hard_limit_no_call_is_made_and_the_job_waits_for_the_window(call, budget, host, clock):
    call(OK, quantity="2")
    record = call(quantity="1")
    assert (record.state, record.reason) == (State.DELAYED, "budget_exceeded")
    assert record.budget == "provider:twilio daily"
    assert record.due_at.date() > clock().date()
    assert len(host.received) == 1
    assert "provider:twilio daily is used up: $0.015 of $0.02" in record.failures[-1].message


def test_a_quota_holds_for_what_costs_nothing_too(call, budget, host):
    host.answers(OK, OK, OK)
    for _ in range(3):
        assert call(operation="free").state is State.COMPLETED
    record = call(operation="free")
    assert record.budget == "quota:twilio:requests monthly"
    assert "3 requests of 3 requests are spent" in record.failures[-1].message
    assert len(host.received) == 3


@pytest.mark.parametrize("answer", [status(422), status(429), status(500), status(503)])
def test_what_was_refused_costs_nothing(call, budget, answer):
    record = call(answer)
    assert (spent(budget()), spent(budget("quota:twilio:requests"))) == (0, 0)
    assert not (record.receipt and record.receipt.calls)


@pytest.mark.parametrize("answer", [hangs_up, status(408), status(502), status(504)])
def test_what_may_have_been_done_counts_as_spent_and_is_listed(call, budget, cloud, answer):
    record = call(answer)
    assert record.state is State.DELAYED
    assert spent(budget()) == Decimal("0.0075")
    (listed,) = LedgerStore(cloud.guards_table).uncertain(10)
    assert [one.job_id for one in listed.holdings] == [record.id]


def test_a_host_that_is_down_costs_nothing(call, budget):
    record = call(url="http://127.0.0.1:9/")
    assert record.reason == "unreachable"
    assert spent(budget()) == 0


def test_an_operation_without_a_price_is_refused_and_told_how_to_mend_it(call, host):
    record = call(operation="fax")
    assert (record.state, record.error.error_class) == (State.FAILED, ErrorClass.UNPRICED)
    assert "known: free, sms_us" in record.error.message
    assert host.received == []


@pytest.mark.parametrize(
    "wrong",
    [{"operation": None}, {"provider": None}, {"provider": None, "operation": None, "quantity": 2}, {"quantity": 0}],
)
def test_what_names_no_payment_whole_is_refused(machine, host, wrong):
    from backstay.jobs.submit import InvalidInputError

    with pytest.raises(InvalidInputError):
        machine.submit(TASK, {"url": host.url(), **SMS, **wrong})


def test_a_call_that_names_nobody_is_not_charged(call, cloud):
    record = call(OK, provider=None, operation=None)
    assert record.state is State.COMPLETED
    assert LedgerStore(cloud.guards_table).read(["total"]) == {}


def test_every_operation_of_the_house_has_its_price():
    settings = config.read(REPOSITORY / "backstay.toml")
    assert settings.rates["twilio"]["sms_us"] == Decimal("0.0075")
    assert set(settings.rates) <= set(settings.budgets.providers)
