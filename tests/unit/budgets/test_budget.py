"""Money is conserved whatever happens to a budget, and no hard limit is ever passed by what it lets through."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from backstay.budgets.budget import Budget, Limit, Posting, exact
from backstay.budgets.items import from_item, to_item
from backstay.budgets.periods import Window, periods_at

START = datetime(2026, 12, 30, 23, tzinfo=UTC)

amounts = st.decimals("0", "3", places=9, allow_nan=False, allow_infinity=False)
limits = st.none() | st.builds(Limit, amounts, hard=st.booleans())


def conserves(budget: Budget) -> bool:
    return all(
        account.spent + budget.reserved + account.left == account.limit_usd for account in budget.accounts.values()
    )


class AnyInterleaving(RuleBasedStateMachine):
    """Reserve, settle, crash and expire, change limits, turn windows, in any order."""

    @initialize(given_limits=st.dictionaries(st.sampled_from(Window), st.builds(Limit, amounts)))
    def begin(self, given_limits: Mapping[Window, Limit]) -> None:
        self.now = START
        self.budget = Budget.new("tenant:acme", given_limits, periods_at(self.now))
        self.held: list[Decimal] = []
        self.spent_by_period: dict[str, Decimal] = {}

    @rule(usd=amounts)
    def reserve(self, usd: Decimal) -> None:
        if self.budget.shortage(usd):
            return
        self.budget = self.budget.after(Posting(reserved=usd))
        self.held.append(usd)
        for account in self.budget.accounts.values():
            assert not account.is_hard or account.left >= 0, "nothing is let through that passes a hard limit"

    @rule(part=st.decimals("0", "1", places=6), which=st.integers(0, 100))
    def settle(self, part: Decimal, which: int) -> None:
        if not self.held:
            return
        usd = self.held.pop(which % len(self.held))
        self.spend(exact(usd * part), usd)

    @rule(which=st.integers(0, 100))
    def crash_and_expire(self, which: int) -> None:
        if not self.held:
            return
        usd = self.held.pop(which % len(self.held))
        self.spend(usd, usd)

    def spend(self, cost: Decimal, held: Decimal) -> None:
        before = self.budget
        self.budget = self.budget.after(Posting(spent=cost, reserved=-held))
        for window, account in self.budget.accounts.items():
            assert account.left >= before.accounts[window].left, "an end gives back, and takes nothing"
            self.spent_by_period[account.period] = self.spent_by_period.get(account.period, Decimal(0)) + cost

    @rule(window=st.sampled_from(Window), limit=limits)
    def change_limit(self, window: Window, limit: Limit | None) -> None:
        self.budget = self.budget.with_limit(window, limit, by_hand=True)

    @rule(hours=st.integers(1, 60))
    def turn(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.budget = self.budget.turned(periods_at(self.now))
        assert not self.budget.is_stale(periods_at(self.now))

    @invariant()
    def money_is_conserved(self) -> None:
        assert conserves(self.budget)
        assert self.budget.reserved == sum(self.held)
        for account in self.budget.accounts.values():
            assert account.spent == self.spent_by_period.get(account.period, 0)

    @invariant()
    def its_item_says_all_of_it(self) -> None:
        assert from_item(to_item(self.budget)) == self.budget


TestAnyInterleaving = AnyInterleaving.TestCase
TestAnyInterleaving.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)


def budget(**limits: str) -> Budget:
    return Budget.new("total", {Window(name): Limit(Decimal(usd)) for name, usd in limits.items()}, periods_at(START))


def test_a_call_is_refused_by_the_window_that_keeps_it_waiting_longest():
    short = budget(daily="1", monthly="1", yearly="5").after(Posting(spent=Decimal("0.5"))).shortage(Decimal("0.6"))
    assert short is not None
    assert short.window is Window.MONTHLY


def test_money_that_only_calls_under_way_hold_is_told_apart_from_money_that_is_gone():
    held = budget(daily="1").after(Posting(reserved=Decimal("0.9"))).shortage(Decimal("0.2"))
    gone = budget(daily="1").after(Posting(spent=Decimal("0.9"))).shortage(Decimal("0.2"))
    assert held is not None
    assert gone is not None
    assert (held.passes, gone.passes) == (True, False)


def test_a_soft_limit_refuses_nothing():
    soft = Budget.new("total", {Window.DAILY: Limit(Decimal(1), hard=False)}, periods_at(START))
    assert soft.after(Posting(spent=Decimal(2))).shortage(Decimal(1)) is None


def test_what_is_reserved_is_held_against_the_next_window_too():
    over_midnight = budget(daily="1").after(Posting(spent=Decimal("0.3"), reserved=Decimal("0.6")))
    turned = over_midnight.turned(periods_at(START + timedelta(hours=2)))
    assert turned.accounts[Window.DAILY].left == Decimal("0.4")
    assert turned.after(Posting(Decimal("0.1"), Decimal("-0.6"))).accounts[Window.DAILY].spent == Decimal("0.1")


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year < 9998), st.sampled_from(Window))
def test_a_window_turns_exactly_when_its_period_changes(now, window):
    turns = window.turns_after(now)
    assert periods_at(turns - timedelta(microseconds=1))[window] == periods_at(now)[window] < periods_at(turns)[window]
