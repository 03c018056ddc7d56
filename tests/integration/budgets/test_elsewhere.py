"""Spending that happened elsewhere, booked while others write, and with answers that get lost."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from backstay.budgets.elsewhere import Elsewhere, Spent, UsageKeyConflictError
from backstay.budgets.periods import Window
from backstay.config import parse
from backstay.errors import WorkError
from tests.integration.budgets.conftest import a_call

FEBRUARY = Spent("february", Decimal("0.30"), ("total", "tenant:acme"))


@pytest.fixture
def elsewhere(stage):
    return lambda: Elsewhere(parse(stage.toml).budgets, stage.table, stage.clock)


def spent(stage, scope="total"):
    return stage.budget(scope).accounts[Window.DAILY].spent


def test_many_that_book_the_same_at_once_book_it_once(stage, elsewhere):
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: elsewhere().book(FEBRUARY), range(8)))
    assert spent(stage) == spent(stage, "tenant:acme") == Decimal("0.30")


@pytest.mark.parametrize("trouble", ["conflict", "throttle", "lost"])
def test_what_goes_wrong_on_the_way_is_tried_again_and_booked_once(stage, elsewhere, troubles, trouble):
    elsewhere().book(Spent("first", Decimal("0.1"), FEBRUARY.scopes))
    troubles.kinds = [trouble, trouble]
    elsewhere().book(FEBRUARY)
    assert spent(stage) == Decimal("0.40")


def test_one_that_is_still_on_its_way_is_not_booked_twice(stage, elsewhere, troubles):
    elsewhere().book(Spent("first", Decimal("0.1"), FEBRUARY.scopes))
    troubles.kinds = ["late"]
    elsewhere().book(FEBRUARY)
    with pytest.raises(Exception, match="TransactionCanceled"):
        troubles.late.pop()()
    assert spent(stage) == Decimal("0.40")


def test_a_key_that_stands_for_other_spending_books_nothing(stage, elsewhere):
    elsewhere().book(FEBRUARY)
    with pytest.raises(UsageKeyConflictError, match="february"):
        elsewhere().book(Spent("february", Decimal("0.31"), FEBRUARY.scopes))
    assert spent(stage) == Decimal("0.30")


def test_calls_are_refused_where_it_has_used_up_the_limit(stage, elsewhere):
    elsewhere().book(Spent("much", Decimal(3), FEBRUARY.scopes))
    with pytest.raises(WorkError, match=r"\$3.00 of \$1.00 are spent"):
        stage.process().reserve(a_call())


def test_the_sweep_finds_nothing_to_settle_in_it(stage, elsewhere):
    elsewhere().book(FEBRUARY)
    stage.clock.advance(10_000)
    assert [lease for shard in range(4) for lease in stage.store.lapsed(shard, stage.clock(), 10)] == []
