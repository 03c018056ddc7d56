"""Leases of processes that died: settled from receipts, else as spent and listed, exactly once."""

from decimal import Decimal

import pytest

from backstay.budgets.lapsed import LapsedLeases, Settled
from backstay.budgets.periods import Window
from backstay.receipt import Call, Receipt
from tests.integration.budgets.conftest import CALL, a_call

LONGER_THAN_A_LEASE_S = 121


@pytest.fixture
def receipts() -> dict[str, Receipt]:
    return {}


@pytest.fixture
def sweep(stage, receipts):
    lapsed = LapsedLeases(stage.table, receipts.get, stage.clock)
    return lambda: lapsed.settle(lambda: False)


def receipt_of(*reservations: tuple[str, str]) -> Receipt:
    return Receipt(tuple(Call("openai", "m", 1, 1, 1, Decimal(usd), reservation=name) for name, usd in reservations))


def test_what_a_crash_leaves_open_is_spent_at_its_most_and_listed_once_its_lease_has_lapsed(stage, sweep):
    stage.process().reserve(a_call())
    assert sweep() == Settled()
    stage.clock.advance(LONGER_THAN_A_LEASE_S)
    assert sweep() == Settled(uncertain=1)
    assert stage.budget().reserved == 0
    assert stage.budget().accounts[Window.YEARLY].spent == CALL
    assert len(stage.store.uncertain(10)) == 1
    assert sweep() == Settled()


def test_a_receipt_that_was_kept_tells_the_price(stage, sweep, receipts):
    ledger = stage.process()
    first, second = ledger.reserve(a_call(job_id="acme.job")), ledger.reserve(a_call(job_id="acme.job"))
    receipts["acme.job"] = receipt_of((first.id, "0.02"))
    stage.clock.advance(LONGER_THAN_A_LEASE_S)
    assert sweep() == Settled(certain=1, uncertain=1)
    assert stage.budget().accounts[Window.YEARLY].spent == Decimal("0.02") + CALL
    (listed,) = stage.store.uncertain(10)
    assert [one.name for one in listed.holdings] == [second.id]


def test_a_process_that_slept_through_its_lease_settles_nothing_twice(stage, sweep):
    ledger = stage.process()
    reservation = ledger.reserve(a_call())
    stage.clock.advance(LONGER_THAN_A_LEASE_S)
    sweep()
    reservation.settle(Decimal("0.02"))
    ledger.settle_all()
    assert stage.budget().accounts[Window.YEARLY].spent == CALL
    ledger.reserve(a_call()).settle(Decimal("0.03"))
    assert stage.budget().accounts[Window.YEARLY].spent == CALL + Decimal("0.03")
    assert stage.budget().reserved == 0


def test_a_lease_lives_as_long_as_its_longest_call(stage, sweep):
    ledger = stage.process()
    ledger.reserve(a_call())
    stage.clock.advance(100)
    ledger.reserve(a_call())
    stage.clock.advance(100)
    assert sweep() == Settled(), "its process wrote 100 s ago"
    stage.clock.advance(30)
    assert sweep() == Settled(uncertain=2)


def test_a_window_that_turned_since_is_turned_first(stage, sweep):
    stage.process().reserve(a_call())
    stage.clock.advance(86_400)
    assert sweep() == Settled(uncertain=1)
    assert stage.budget().accounts[Window.DAILY].spent == CALL


@pytest.mark.parametrize("kind", ["conflict", "throttle", "lost"])
def test_trouble_leaves_a_lease_to_the_next_sweep_and_settles_nothing_twice(stage, sweep, troubles, kind):
    stage.process().reserve(a_call())
    stage.clock.advance(LONGER_THAN_A_LEASE_S)
    troubles.kinds = [kind]
    assert sweep() == Settled()
    sweep()
    assert stage.budget().reserved == 0
    assert stage.budget().accounts[Window.YEARLY].spent == CALL
