"""The accounts looked at from one side, and where they are going. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from backstay.budgets.budget import NOTHING
from backstay.budgets.periods import Window
from backstay.budgets.scope import TOTAL
from backstay.costs.spending import Cell, Line, Spending

Lines: TypeAlias = Sequence[tuple[Line, Spending]]

WEEK = 7
HISTORY_DAYS = 37
"""Before today: a week for the average, and a month in which a silent week is told from a beginning."""
MONTH_DAYS, YEAR_DAYS = 30, 365


class By(StrEnum):
    """What spending is listed by."""

    PROVIDER = "provider"
    TASK = "task"
    TENANT = "tenant"
    TAG = "tag"
    MODEL = "model"
    OPERATION = "operation"


@dataclass(frozen=True, slots=True)
class Group:
    """All that was spent on one thing."""

    name: str
    spending: Spending
    jobs: int
    """That made a call there; a job that called several is counted in each."""

    @property
    def cost_per_job_usd(self) -> Decimal | None:
        """On average; None where no job made a call."""
        return self.spending.cost_usd / self.jobs if self.jobs else None


@dataclass(frozen=True, slots=True)
class Trend:
    """Today beside the days before. US dollars; changes are ratios, 0.5 for half as much again, None from nothing."""

    today_usd: Decimal
    yesterday_usd: Decimal
    week_average_usd: Decimal
    """A day, over the seven before today; 0 where the accounts began today."""
    change_on_yesterday: float | None
    change_on_week: float | None


@dataclass(frozen=True, slots=True)
class Projection:
    """What a month of 30 days and a year of 365 cost that are like the last week. US dollars."""

    daily_average_usd: Decimal
    monthly_usd: Decimal
    yearly_usd: Decimal


def first_day(window: Window, today: date) -> date:
    """Of the window that today is in."""
    match window:
        case Window.DAILY:
            return today
        case Window.MONTHLY:
            return today.replace(day=1)
        case Window.YEARLY:
            return today.replace(month=1, day=1)


def since(lines: Lines, first: date) -> Lines:
    """Those of a day and later."""
    return [(line, spending) for line, spending in lines if line.day >= first]


def total(lines: Lines) -> Group:
    """All of it."""
    spending = sum((spending for _, spending in lines), Spending())
    return Group("total", spending, spending.jobs)


def groups(lines: Lines, by: By) -> list[Group]:
    """Spending by name, the most costly first.

    Args:
        lines: of tags for tags, of tenants for tenants, else of everybody or of one tenant.
        by: what to list.
    """
    name_of, jobs_of = _NAMES[by], _JOBS.get(by, _all_jobs)
    found: dict[str, Spending] = defaultdict(Spending)
    for line, spending in lines:
        found[name_of(line)] += spending
    listed = [Group(name, spending, jobs_of(spending)) for name, spending in found.items()]
    return sorted(listed, key=lambda group: (-group.spending.cost_usd, group.name))


def by_day(lines: Iterable[tuple[Line, Spending]]) -> dict[date, Spending]:
    """Spending of each day that has any, in the order of time."""
    found: dict[date, Spending] = defaultdict(Spending)
    for line, spending in lines:
        found[line.day] += spending
    return dict(sorted(found.items()))


def trend(days: dict[date, Spending], today: date) -> Trend:
    """Today against yesterday and the week before; today is not over yet."""
    costs = {day: spending.cost_usd for day, spending in days.items()}
    now, yesterday = costs.get(today, NOTHING), costs.get(today - timedelta(days=1), NOTHING)
    week = daily_average({day: spending for day, spending in days.items() if day < today}, today)
    return Trend(now, yesterday, week, _change(yesterday, now), _change(week, now))


def projection(days: dict[date, Spending], today: date) -> Projection:
    """What comes of it if days go on like the last seven."""
    average = daily_average(days, today)
    return Projection(average, average * MONTH_DAYS, average * YEAR_DAYS)


def daily_average(days: dict[date, Spending], today: date) -> Decimal:
    """US dollars a day over the seven before today. Days before the accounts began don't count; where they began today,
    today stands for all.

    Args:
        days: at least of the last `HISTORY_DAYS`.
        today: in UTC.
    """
    began = min((day for day in days if day <= today), default=today)
    if began == today:
        return days[today].cost_usd if today in days else NOTHING
    first = max(began, today - timedelta(days=WEEK))
    spent = sum((spending.cost_usd for day, spending in days.items() if first <= day < today), NOTHING)
    return spent / (today - first).days


def rates_of_everybody(lines: Lines, today: date) -> dict[str, Decimal]:
    """US dollars a day of the scopes of budgets that everybody's lines tell of: the total, providers and tasks.

    Args:
        lines: at least of the last `HISTORY_DAYS`.
        today: in UTC.
    """
    by_scope: dict[str, list[tuple[Line, Spending]]] = defaultdict(list)
    for line, spending in lines:
        cell = _cell(line)
        for scope in (TOTAL, f"provider:{cell.provider}", f"task:{cell.task}"):
            by_scope[scope].append((line, spending))
    began = min((line.day for line, _ in lines), default=today)
    return {scope: daily_average({began: Spending()} | by_day(found), today) for scope, found in by_scope.items()}


def _change(before: Decimal, after: Decimal) -> float | None:
    return float((after - before) / before) if before else None


def _cell(line: Line) -> Cell:
    if line.cell is None:
        raise ValueError("a tag's line doesn't tell on what its money was spent")
    return line.cell


def _model_of(line: Line) -> str:
    cell = _cell(line)
    return f"{cell.provider}/{cell.model}" if cell.model else cell.provider


def _all_jobs(spending: Spending) -> int:
    return spending.jobs


_NAMES: dict[By, Callable[[Line], str]] = {
    By.PROVIDER: lambda line: _cell(line).provider,
    By.TASK: lambda line: _cell(line).task,
    By.TENANT: lambda line: line.tenant,
    By.TAG: lambda line: line.tag,
    By.MODEL: _model_of,
    By.OPERATION: lambda line: _cell(line).operation,
}
_JOBS: dict[By, Callable[[Spending], int]] = {
    By.PROVIDER: lambda spending: spending.provider_jobs,
    By.MODEL: lambda spending: spending.model_jobs,
    By.OPERATION: lambda spending: spending.operation_jobs,
}
