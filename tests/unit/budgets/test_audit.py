"""What chaos holds the ledger to: which refusals are false, and what must have been spent."""

from decimal import Decimal

import pytest

from backstay.budgets.lease import Holding
from tests.spending.audit import History, by_reservation, false_refusals
from tests.spending.journal import Ended, Event, Opened, Reserved, Turned, Wrote

USD = Decimal(1)
SCOPES = ("total", "tenant:acme")
LIMITS = {"total": Decimal(3)}


def wrote(at: float, *held: str, refused: bool = False) -> Wrote:
    return Wrote(at, at + 0.5, refused, not refused, held)


def reserved(at: float, name: str, usd: Decimal = USD) -> Reserved:
    return Reserved(at, f"job-of-{name}", "north", name, usd, SCOPES)


def turned(at: float, error_class: str = "budget_held") -> Turned:
    return Turned(at, error_class, "why", USD, SCOPES)


HOLDS_ALL: list[Event] = [Opened("a"), wrote(1, "a.1", "a.2"), reserved(2, "a.1"), reserved(2, "a.2", 2 * USD)]
REFUSED: list[Event] = [Opened("b"), wrote(10, refused=True), turned(11)]


def found(*processes: History, spent: dict[str, Decimal] | None = None) -> int:
    return len(false_refusals(processes, spent or {}, LIMITS))


def test_who_is_turned_away_while_calls_under_way_hold_the_money_is_so_rightly():
    assert found(History(HOLDS_ALL), History(REFUSED)) == 0


def test_who_is_turned_away_after_they_have_given_it_back_is_not():
    gave_back = [*HOLDS_ALL, wrote(4), Ended(5, "a.1", USD / 2), Ended(5, "a.2", USD)]
    assert found(History(gave_back), History(REFUSED)) == 1


def test_a_call_that_has_ended_within_a_batch_holds_its_money_until_the_batch_is_settled():
    ended = [*HOLDS_ALL, Ended(5, "a.1", USD / 2), Ended(5, "a.2", USD)]
    assert found(History(ended), History(REFUSED)) == 0
    assert found(History([*ended, wrote(7)]), History(REFUSED)) == 1


def test_money_is_held_from_its_write_on_although_a_caller_learns_of_it_later():
    learned_later = [Opened("a"), wrote(9, "a.1"), wrote(12, "a.1"), reserved(13, "a.1", 3 * USD)]
    assert found(History(learned_later), History(REFUSED)) == 0


def test_what_the_killed_held_stays_held_and_what_they_had_settled_does_not():
    held = [Holding(number, USD, SCOPES, "a") for number in (1, 2, 3)]
    assert found(History(HOLDS_ALL[:2], died_at=3, left=held), History(REFUSED)) == 0
    assert found(History(HOLDS_ALL, died_at=3), History(REFUSED), spent={"a.1": USD / 2, "a.2": USD}) == 1


def test_who_is_served_in_the_same_step_is_served_first():
    served = [Opened("b"), wrote(10, refused=True), turned(10.55), wrote(10.52, "b.1"), reserved(11.1, "b.1", 3 * USD)]
    assert found(History(served)) == 0


def test_of_those_who_are_turned_away_at_once_as_many_are_so_falsely_as_there_was_money_for():
    assert found(History(HOLDS_ALL[:3]), History([*REFUSED, *[turned(11)] * 5])) == 2


def test_who_is_refused_since_the_table_makes_trouble_is_refused_falsely():
    assert found(History([*REFUSED[:2], turned(11, "unreachable")])) == 1


def test_a_call_without_a_reservation_or_dearer_than_it_is_found_out():
    assert by_reservation(HOLDS_ALL, {("north", "job-of-a.1"): USD}) == {"a.1": USD}
    with pytest.raises(AssertionError, match="without a reservation"):
        by_reservation(HOLDS_ALL, {("south", "job-of-a.1"): USD})
    with pytest.raises(AssertionError, match=r"cost \$2"):
        by_reservation(HOLDS_ALL, {("north", "job-of-a.1"): 2 * USD})
