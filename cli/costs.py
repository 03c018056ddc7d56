"""`backstay costs`: what was spent, by what, and where it is going."""

import sys
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import typer

from backstay.costs.report import By
from cli.api import Api
from cli.budgets import Window
from cli.output import console, cost_text, print_json, table_of
from cli.target import Session

app = typer.Typer(help="What was spent: by provider, task, tenant, tag, model or operation.")

Json = Annotated[bool, typer.Option("--json", help="Answer with JSON.")]
Tenant = Annotated[str | None, typer.Option(help="Only this tenant's.")]


class Of(StrEnum):
    """What a line of the export is of."""

    SPENDING = "spending"
    TAGS = "tags"


class Format(StrEnum):
    """What the export is written in."""

    CSV = "csv"
    JSON = "json"


@app.callback(invoke_without_command=True)
def costs(
    context: typer.Context,
    by: Annotated[By, typer.Option(help="What to list.")] = By.PROVIDER,
    window: Annotated[Window, typer.Option(help="Today, this month or this year, UTC.")] = Window.MONTHLY,
    tenant: Tenant = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The most costly so many.")] = 20,
    as_json: Json = False,
) -> None:
    """Show what was spent, the trend, what a month and a year will cost, and how long budgets last."""
    if context.invoked_subcommand:
        return
    session: Session = context.obj
    with Api(session.target) as api:
        found = api.get("/api/costs", by=by, window=window, tenant=tenant, limit=limit)
    if as_json:
        print_json(found)
        return
    columns = (by.value, "cost", "calls", "jobs", "a job", "tokens", "cache hits", "saved", "lost")
    rows = [_row(group["name"], group) for group in found["groups"]]
    console.print(table_of(columns, [*rows, _row("total", found["total"])]))
    for line in (*_more(found), *_outlook(found), *_runway(found)):
        console.print(line)


@app.command()
def insights(context: typer.Context, tenant: Tenant = None, as_json: Json = False) -> None:
    """Show where money could be saved: cheaper routes, caching, jobs that fail dearly."""
    session: Session = context.obj
    with Api(session.target) as api:
        found = api.get("/api/costs/insights", tenant=tenant)
    if as_json:
        print_json(found)
        return
    kinds = {"cheaper_route": "cheaper route"}
    rows = [
        (one["task"], kinds.get(one["kind"], one["kind"]), _usd(one["saving_usd"]), one["text"])
        for one in found["insights"]
    ]
    columns = ("task", "by", "saved", "why")
    console.print(table_of(columns, rows) if rows else f"nothing that would save much since {found['first_day']}")


@app.command()
def export(
    context: typer.Context,
    first: Annotated[str | None, typer.Option(metavar="DAY", help="The first day; by default this month's.")] = None,
    last: Annotated[str | None, typer.Option(metavar="DAY", help="The last day; by default today.")] = None,
    tenant: Tenant = None,
    of: Annotated[Of, typer.Option(help="What stands in a line.")] = Of.SPENDING,
    format: Annotated[Format, typer.Option(help="CSV has a head.")] = Format.CSV,  # noqa: A002 - the option's name
) -> None:
    """Write the accounts to standard output: a line a day, tenant and thing that money was spent on."""
    session: Session = context.obj
    asked = {"first": first, "last": last, "tenant": tenant, "of": of.value, "format": format.value}
    with Api(session.target) as api:
        if format is Format.JSON:
            print_json(api.get("/api/costs/export", **asked))
        else:
            sys.stdout.write(api.get_text("/api/costs/export", **asked))


def _row(name: str, sums: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        name or "none",
        _usd(sums["cost_usd"]) + (" + unpriced" if sums["unpriced_calls"] else ""),
        str(sums["calls"]),
        str(sums["jobs"]),
        _usd(sums["cost_per_job_usd"]),
        f"{sums['input_tokens']} + {sums['output_tokens']}",
        str(sums["cache_hits"]),
        _usd(sums["cache_saved_usd"]),
        _usd(sums["lost_usd"]),
    )


def _more(found: Mapping[str, Any]) -> list[str]:
    return [f"and {found['more_groups']} more; see them with --limit"] if found["more_groups"] else []


def _outlook(found: Mapping[str, Any]) -> list[str]:
    trend, projection = found["trend"], found["projection"]
    beside = [
        f"{text} ({change:+.0%})" if change is not None else text
        for text, change in (
            (f"yesterday {_usd(trend['yesterday_usd'])}", trend["change_on_yesterday"]),
            (f"a day of the last week {_usd(trend['week_average_usd'])}", trend["change_on_week"]),
        )
    ]
    return [
        f"today {_usd(trend['today_usd'])}; {'; '.join(beside)}",
        f"if it goes on so: {_usd(projection['monthly_usd'])} in 30 days, {_usd(projection['yearly_usd'])} in 365",
    ]


def _runway(found: Mapping[str, Any]) -> list[str]:
    """The budgets that will not last until their windows turn, the next to end first."""
    ending = [one for one in found["runway"] if one["runs_out_at"]]
    ending.sort(key=lambda one: str(one["runs_out_at"]))
    if not ending:
        return ["every budget lasts until its window turns"]
    return [
        f"{one['scope']} {one['window']}: {_usd(one['left_usd'])} of {_usd(one['limit_usd'])} left,"
        f" gone in {one['days']:g} days ({one['runs_out_at'][:16].replace('T', ' ')} UTC)"
        for one in ending
    ]


def _usd(amount: str | None) -> str:
    return "" if amount is None else cost_text(Decimal(amount)) or "$0"
