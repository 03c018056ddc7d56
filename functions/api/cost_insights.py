"""Finds ways to spend less: reads the accounts and the newest jobs, and asks what calls cost on other routes."""

from dataclasses import dataclass
from datetime import date, timedelta

from backstay.costs.insights import DAYS, Insight, caching, cheaper_routes, retries, usual_calls
from backstay.costs.report import By, groups
from backstay.jobs.queries import Filter
from backstay.jobs.record import JobRecord, State

from .provider_trial import ask_for_quotes
from .services import services

_MOST_TASKS = 10
"""The most costly, which are looked at."""
_NEWEST = 100
"""Jobs of a task that stand for all of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """Ways to spend less, the most worthwhile first."""

    first_day: date
    insights: tuple[Insight, ...]


def find_insights(tenant: str | None, today: date) -> Found:
    """Of the last thirty days, of one tenant or of everybody.

    Raises:
        Refusal: the function that knows prices did not answer.
    """
    first = today - timedelta(days=DAYS - 1)
    lines = services().cost_book.of(tenant, first, today)
    tasks = groups(lines, By.TASK)[:_MOST_TASKS]
    names = {task.name for task in tasks}
    usual = [one for one in usual_calls(lines) if one.task in names]
    found = cheaper_routes(usual, {name: _routes_of(name) for name in names}, ask_for_quotes)
    for task in tasks:
        newest = _newest(task.name, tenant) if task.spending.cost_usd else ()
        more = (retries(task.name, task.spending), caching(task.name, task.spending.cost_usd, newest))
        found += [insight for insight in more if insight]
    return Found(first, tuple(sorted(found, key=lambda insight: (-insight.saving_usd, insight.task))))


def _routes_of(task: str) -> tuple[str, ...]:
    """What the task may call: its own routes, else those that backstay.toml names."""
    settings, catalog = services().config, services().catalog
    tiers = settings.routes.tiers
    own = catalog.get(task).model_use.all_routes() if task in catalog.names else ()
    return own or (*settings.routes.default, *tiers.low, *tiers.medium, *tiers.high, *settings.prices)


def _newest(task: str, tenant: str | None) -> tuple[JobRecord, ...]:
    if task not in services().catalog.names:
        return ()  # usage that was recorded by hand, or a task that is gone
    return services().queries.list_jobs(Filter(task, State.COMPLETED, tenant), limit=_NEWEST).jobs
