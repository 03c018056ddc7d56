"""The ledger on a table: reservations, settlements, refusals, windows that turn, and a table that makes trouble."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest

from backstay import aws
from backstay.budgets.batch import Batch
from backstay.budgets.budget import Limit
from backstay.budgets.ledger import Ledger, Reservation
from backstay.budgets.periods import Window
from backstay.errors import Disposition, ErrorClass, WorkError
from tests.integration.budgets.conftest import CALL, a_call


def refused(ledger: Ledger, *args, **more) -> WorkError:
    with pytest.raises(WorkError) as error:
        ledger.reserve(a_call(*args, **more))
    return error.value


def test_a_call_is_reserved_at_its_most_and_settled_at_its_price_in_every_scope_and_window(stage):
    reservation = stage.process().reserve(a_call())
    assert stage.budget().reserved == stage.budget("tenant:acme").reserved == CALL
    reservation.settle(Decimal("0.0123456789"))
    for scope in ("total", "tenant:acme"):
        budget = stage.budget(scope)
        assert budget.reserved == 0
        assert {account.spent for account in budget.accounts.values()} == {Decimal("0.0123456789")}


def test_a_call_that_was_not_made_gives_all_of_it_back(stage):
    stage.process().reserve(a_call()).release()
    assert stage.budget().accounts[Window.DAILY].left == 1


def test_a_reservation_ends_once(stage):
    reservation = stage.process().reserve(a_call())
    reservation.settle(Decimal("0.05"))
    reservation.give_up()
    assert stage.budget().accounts[Window.DAILY].spent == Decimal("0.05")


def test_past_a_hard_limit_the_scope_that_refuses_is_named_and_told_until_when(stage):
    stage.toml += '\n[budgets.tenants."*"]\nmonthly = 0.15'
    ledger = stage.process()
    ledger.reserve(a_call()).settle(CALL)
    error = refused(ledger)
    assert error.failure.error_class is ErrorClass.BUDGET_EXCEEDED
    assert "tenant:acme monthly is used up: $0.10 of $0.15" in error.failure.message
    turns_in_s = (Window.MONTHLY.turns_after(stage.clock()) - stage.clock()).total_seconds()
    assert turns_in_s <= (error.failure.retry_after_s or 0) <= turns_in_s + 10
    ledger.reserve(a_call(CALL, "total", "tenant:other"))
    assert stage.budget("tenant:acme").reserved == 0, "one step over all scopes: nothing stays reserved in any"


def test_what_calls_under_way_hold_is_refused_for_a_short_while_only(stage):
    ledger = stage.process()
    held = ledger.reserve(a_call("0.95"))
    error = refused(ledger)
    assert error.failure.error_class is ErrorClass.BUDGET_HELD
    assert error.failure.error_class.disposition is Disposition.PARK
    assert (error.failure.retry_after_s or 0) < 60
    held.release()
    ledger.reserve(a_call())


def test_a_limit_holds_among_processes_to_the_last_cent(stage):
    processes = [stage.process() for _ in range(4)]
    for number in range(10):
        processes[number % 4].reserve(a_call())
    for process in processes:
        assert refused(process, "0.0000001").failure.error_class is ErrorClass.BUDGET_HELD
    assert stage.budget().accounts[Window.DAILY].left == 0


def test_money_that_another_process_takes_between_a_look_and_a_write_is_not_there(stage, monkeypatch):
    one, other, client = stage.process(), stage.process(), aws.dynamodb_for_guards()
    transact = client.transact_write_items
    for process in (one, other):
        process.reserve(a_call()).release()

    def after_the_other(**request):
        monkeypatch.setattr(client, "transact_write_items", transact)
        other.reserve(a_call("0.60"))
        return transact(**request)

    monkeypatch.setattr(client, "transact_write_items", after_the_other)
    assert refused(one, "0.60").failure.error_class is ErrorClass.BUDGET_HELD
    assert stage.budget().reserved == Decimal("0.60")


def test_a_batch_of_ten_takes_one_write_to_reserve_and_one_to_settle(stage, troubles, monkeypatch):
    for patience in ("_COMPANY_S", "_STRAGGLER_S", "_OWED_FOR_S"):
        monkeypatch.setattr(f"backstay.budgets.ledger.{patience}", 3600)  # however busy the machine is
    stage.toml = "[budgets.total]\ndaily = 1000"
    running = Batch()
    ledger, together = stage.process(running), threading.Barrier(10)
    ledger.reserve(a_call()).release()
    troubles.asked = 0

    def work(number: int) -> None:
        together.wait()
        reservation = ledger.reserve(a_call("0.10", "total", f"tenant:t{number}"))
        reservation.settle(Decimal("0.01"))

    with running.of(10), ThreadPoolExecutor(10) as threads:
        list(threads.map(work, range(10)))
    assert troubles.asked == 2
    assert stage.budget().accounts[Window.DAILY].spent == Decimal("0.10")


def test_within_a_batch_money_that_is_short_is_given_back_at_once(stage):
    running = Batch()
    ledger = stage.process(running)
    with running.of(2):
        first = ledger.reserve(a_call())
        first.settle(Decimal("0.01"))
        assert stage.budget().reserved == 0


def test_windows_turn_without_anybody_s_doing(stage):
    ledger = stage.process()
    ledger.reserve(a_call("1")).settle(Decimal(1))
    over_midnight = Window.DAILY.turns_after(stage.clock()) - stage.clock() + timedelta(seconds=1)
    stage.clock.advance(over_midnight.total_seconds())
    reservation = ledger.reserve(a_call())
    reservation.settle(CALL)
    daily = stage.budget().accounts[Window.DAILY]
    assert (daily.spent, daily.left) == (CALL, Decimal("0.90"))
    assert stage.budget("tenant:acme").accounts[Window.YEARLY].spent in (CALL, Decimal("1.10"))


def test_a_call_over_midnight_is_held_and_spent_in_the_new_day(stage):
    ledger = stage.process()
    reservation = ledger.reserve(a_call("0.9"))
    stage.clock.advance(86_400)
    assert refused(ledger, "0.2").failure.error_class is ErrorClass.BUDGET_HELD
    reservation.settle(Decimal("0.5"))
    assert stage.budget().accounts[Window.DAILY].spent == Decimal("0.5")


def test_a_limit_that_is_raised_at_run_time_counts_at_once_and_outlives_backstay_toml(stage):
    ledger = stage.process()
    ledger.reserve(a_call("1"))
    assert refused(ledger)
    assert stage.store.set_limit(stage.budget(), Window.DAILY, Limit(Decimal(2)), by_hand=True)
    ledger.reserve(a_call("1"))
    stage.process().reserve(a_call("0", "total"))
    assert stage.budget().accounts[Window.DAILY].limit == Limit(Decimal(2))


def test_a_limit_lowered_below_what_was_taken_lets_nothing_through(stage):
    ledger = stage.process()
    held = ledger.reserve(a_call("0.5"))
    stage.store.set_limit(stage.budget(), Window.DAILY, Limit(Decimal("0.2")), by_hand=True)
    assert refused(ledger)
    held.settle(Decimal("0.4"))
    assert stage.budget().accounts[Window.DAILY].left == Decimal("-0.2")


def test_another_limit_in_backstay_toml_takes_effect_with_the_deploy(stage):
    stage.process().reserve(a_call())
    stage.toml = "[budgets.total]\ndaily = 3"
    stage.process().reserve(a_call())
    assert stage.budget().accounts[Window.DAILY].limit == Limit(Decimal(3))


@pytest.mark.parametrize("kind", ["conflict", "throttle", "lost", "late"])
def test_a_transaction_that_fails_is_tried_again_and_nothing_is_taken_twice(stage, troubles, kind):
    ledger = stage.process()
    troubles.kinds = [kind, "", kind]
    ledger.reserve(a_call()).settle(Decimal("0.03"))
    for make in troubles.late:
        with pytest.raises(aws.dynamodb_for_guards().exceptions.TransactionCanceledException):
            make()
    ledger.settle_all()
    ledger.reserve(a_call()).release()
    assert stage.budget().reserved == 0
    assert stage.budget().accounts[Window.DAILY].spent == Decimal("0.03")


def test_a_write_that_is_made_after_it_was_looked_for_is_known_all_the_same(stage, troubles, monkeypatch):
    ledger = stage.process()
    troubles.kinds = ["late"]
    client, read = aws.dynamodb_for_guards(), aws.dynamodb_for_guards().get_item

    def read_then_make(**request):
        seen = read(**request)
        for make in troubles.late:
            make()
        return seen

    monkeypatch.setattr(client, "get_item", read_then_make)
    ledger.reserve(a_call()).settle(Decimal("0.03"))
    assert stage.budget().reserved == 0
    assert stage.budget().accounts[Window.DAILY].spent == Decimal("0.03")


def test_a_write_without_an_answer_holds_nothing_later_on_for_calls_that_were_refused_meanwhile(
    stage, troubles, monkeypatch
):
    ledger = stage.process()
    ledger.reserve(a_call()).release()
    troubles.kinds = ["late"]
    client, read = aws.dynamodb_for_guards(), aws.dynamodb_for_guards().get_item

    def read_while_the_limit_is_lowered(**request):
        stage.store.set_limit(stage.budget(), Window.DAILY, Limit(CALL / 2), by_hand=True)
        return read(**request)

    monkeypatch.setattr(client, "get_item", read_while_the_limit_is_lowered)
    assert refused(ledger)
    stage.store.set_limit(stage.budget(), Window.DAILY, Limit(CALL), by_hand=True)
    (make,) = troubles.late
    with pytest.raises(client.exceptions.TransactionCanceledException):
        make()
    assert stage.budget().reserved == 0


def test_without_the_table_no_call_is_made(stage, cloud):
    aws.dynamodb().delete_table(TableName=cloud.guards_table)
    error = refused(stage.process())
    assert error.failure.error_class is ErrorClass.UNREACHABLE
    assert "no call is made" in error.failure.message


def test_what_cannot_be_settled_now_is_settled_with_the_next_write(stage, troubles):
    ledger = stage.process()
    reservation = ledger.reserve(a_call())
    troubles.kinds = ["denied"]
    reservation.settle(Decimal("0.03"))
    assert stage.budget().reserved == CALL
    ledger.reserve(a_call()).release()
    assert stage.budget().reserved == 0
    assert stage.budget().accounts[Window.DAILY].spent == Decimal("0.03")


def test_what_nobody_knows_the_price_of_is_spent_at_its_most_and_listed(stage):
    stage.process().reserve(a_call(job_id="acme.job")).give_up()
    assert stage.budget().accounts[Window.DAILY].spent == CALL
    (listed,) = stage.store.uncertain(10)
    assert [(one.usd, one.job_id) for one in listed.holdings] == [(CALL, "acme.job")]


def test_a_fault_of_ours_strands_nobody_who_waits(stage, monkeypatch):
    ledger, together = stage.process(), threading.Barrier(5)
    faults, write = iter([ZeroDivisionError()]), ledger._holder.write

    def faulty(*args):
        for fault in faults:
            raise fault
        return write(*args)

    monkeypatch.setattr(ledger._holder, "write", faulty)

    def call(_: int) -> str:
        together.wait()
        try:
            ledger.reserve(a_call())
        except ZeroDivisionError:
            return "fault"
        return "reserved"

    with ThreadPoolExecutor(5) as threads:
        assert sorted(threads.map(call, range(5))) == ["fault", *["reserved"] * 4]


def test_a_reservation_has_a_name_of_its_own(stage):
    ledger = stage.process()
    names = {reservation.id for reservation in (ledger.reserve(a_call("0.01")) for _ in range(3))}
    assert len(names) == 3
    assert isinstance(ledger.reserve(a_call("0.01")), Reservation)


def test_calls_that_follow_one_another_fast_are_served_by_few_writes_and_a_batch_ends_with_nothing_held(
    stage, troubles, monkeypatch
):
    monkeypatch.setattr("backstay.budgets.stock._LATELY_S", 60)
    monkeypatch.setattr("backstay.budgets.stock._FRESH_S", 60)
    monkeypatch.setattr("backstay.budgets.ledger._OWED_FOR_S", 60)
    stage.toml = "[budgets.total]\ndaily = 1000"
    running = Batch()
    ledger = stage.process(running)
    with running.of(1):
        for number in range(20):
            ledger.reserve(a_call(f"0.{number % 3 + 10}")).settle(Decimal("0.01"))
    assert troubles.asked <= 8
    assert stage.budget().reserved == 0
    assert stage.budget().accounts[Window.DAILY].spent == Decimal("0.20")


def test_nothing_is_taken_along_where_money_is_short(stage, monkeypatch):
    monkeypatch.setattr("backstay.budgets.stock._LATELY_S", 60)
    running = Batch()
    ledger = stage.process(running)
    with running.of(1):
        for _ in range(10):
            ledger.reserve(a_call())
        assert stage.budget().reserved == 1
