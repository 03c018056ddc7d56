"""The accounts looked at from one side, and where they are going."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from backstay.budgets.budget import Budget, Limit, Posting
from backstay.budgets.periods import Window, periods_at
from backstay.costs.report import (
    HISTORY_DAYS,
    By,
    daily_average,
    first_day,
    groups,
    projection,
    rates_of_everybody,
    since,
    total,
    trend,
)
from backstay.costs.runway import runways
from backstay.costs.spending import Cell, Line, Spending

TODAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def days(*costs: str) -> dict[date, Spending]:
    """Costs of the days up to today, today's last; no entry where one is empty."""
    dated = ((TODAY - timedelta(days=ago), cost) for ago, cost in enumerate(reversed(costs)))
    return {day: Spending(Decimal(cost)) for day, cost in dated if cost}


def line(provider: str, usd: str, ago: int = 0, task: str = "obey") -> tuple[Line, Spending]:
    cell = Cell(task, provider, "completion", "m")
    return Line(TODAY - timedelta(days=ago), cell), Spending(Decimal(usd), calls=1, jobs=1, provider_jobs=1)


def test_windows_begin_with_their_day_month_and_year():
    assert [first_day(window, TODAY) for window in Window] == [TODAY, date(2026, 11, 1), date(2026, 1, 1)]


def test_the_most_costly_come_first_and_equals_by_name():
    lines = [line("b", "1"), line("a", "1"), line("c", "0.5"), line("c", "2", ago=1)]
    assert [group.name for group in groups(lines, By.PROVIDER)] == ["c", "a", "b"]
    assert total(lines).spending.cost_usd == Decimal("4.5")
    assert [group.name for group in groups(since(lines, TODAY), By.PROVIDER)] == ["a", "b", "c"]


def test_today_is_set_against_yesterday_and_the_week_before():
    told = trend(days("9", "1", "1", "1", "1", "1", "1", "8", "3"), TODAY)
    assert (told.today_usd, told.yesterday_usd, told.week_average_usd) == (3, 8, 2)
    assert (told.change_on_yesterday, told.change_on_week) == (-0.625, 0.5)


def test_from_nothing_there_is_no_change_in_percent():
    told = trend(days("1"), TODAY)
    assert (told.week_average_usd, told.change_on_yesterday, told.change_on_week) == (0, None, None)
    assert trend({}, TODAY).change_on_week is None


def test_a_month_is_thirty_days_and_a_year_365_like_the_last_seven():
    told = projection(days(*["0"] * 20, "7", "7", "7", "7", "7", "7", "7", "1000"), TODAY)
    assert (told.daily_average_usd, told.monthly_usd, told.yearly_usd) == (7, 210, 2555)


def test_days_before_the_accounts_began_do_not_count():
    assert daily_average(days("4", "2", "9"), TODAY) == 3
    assert daily_average(days("5"), TODAY) == 5
    assert daily_average({}, TODAY) == 0


def test_a_silent_week_is_no_beginning():
    assert daily_average(days("5", *[""] * 20, "7", "", "1"), TODAY) == 1
    assert daily_average(days("5", *[""] * 20, "1"), TODAY) == 0


@given(st.lists(st.decimals(0, 100, places=6), min_size=1, max_size=HISTORY_DAYS + 1))
def test_an_average_lies_between_the_cheapest_and_the_dearest_day(costs):
    found = days(*map(str, costs))
    assert min(costs) <= daily_average(found, TODAY).quantize(Decimal("1e-9")) <= max(costs)


def test_rates_are_of_the_total_and_of_each_provider_and_task():
    lines = [line("a", "7", ago=7), line("b", "14", ago=1, task="act")]
    assert rates_of_everybody(lines, TODAY) == {
        "total": 3,
        "provider:a": 1,
        "task:obey": 1,
        "provider:b": 2,
        "task:act": 2,
    }


def budget(scope: str, spent: str, **limits: str) -> Budget:
    found = {Window(name): Limit(Decimal(usd)) for name, usd in limits.items()}
    return Budget.new(scope, found, periods_at(NOW)).after(Posting(spent=Decimal(spent)))


def test_a_budget_lasts_as_many_days_as_its_rest_goes_into_its_rate():
    (monthly,) = runways([budget("total", "40", monthly="100")], {"total": Decimal(30)}, NOW)
    assert (monthly.left_usd, monthly.days) == (60, 2)
    assert monthly.runs_out_at == NOW + timedelta(days=2)
    (daily,) = runways([budget("total", "40", daily="100")], {"total": Decimal(30)}, NOW)
    assert daily.runs_out_at is None
    assert daily.turns_at == datetime(2026, 11, 26, tzinfo=UTC)


def test_a_budget_that_nobody_spends_from_has_no_end_and_one_used_up_is_at_it():
    (idle,) = runways([budget("total", "0", yearly="100")], {"total": Decimal(0)}, NOW)
    assert (idle.days, idle.runs_out_at) == (None, None)
    (over,) = runways([budget("total", "150", yearly="100")], {"total": Decimal(1)}, NOW)
    assert (over.days, over.runs_out_at) == (0, NOW)
    (long,) = runways([budget("total", "0", yearly="1e9")], {"total": Decimal("1e-9")}, NOW)
    assert long.runs_out_at is None


def test_a_scope_that_the_accounts_do_not_tell_of_spends_as_it_has_this_month():
    (monthly,) = runways([budget("key:k", "49", monthly="100")], {}, NOW)
    assert monthly.a_day_usd == 2
    assert monthly.days == 25.5
