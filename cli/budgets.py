"""`backstay budgets`: what may be spent, what is, and limits that are changed at run time."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from cli.api import Api
from cli.options import Json
from cli.output import print_json, print_table
from cli.problems import ExitCode, Problem
from cli.target import Session

app = typer.Typer(help="Budgets: see them, set their limits.", no_args_is_help=True)

ScopeName = Annotated[
    str, typer.Argument(help="total, provider:NAME, tenant:NAME, task:NAME, key:ID, or quota:PROVIDER:MEASURE.")
]
NONE = "none"


class Window(StrEnum):
    """For how long a limit is."""

    DAILY = "daily"
    MONTHLY = "monthly"
    YEARLY = "yearly"


class Kind(StrEnum):
    """Whose budgets."""

    TOTAL = "total"
    PROVIDER = "provider"
    TENANT = "tenant"
    TASK = "task"
    KEY = "key"
    QUOTA = "quota"


@app.command("ls")
def list_budgets(
    context: typer.Context,
    scope: Annotated[str | None, typer.Argument(help="Only this one, such as tenant:acme.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only budgets of this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many.")] = 100,
    as_json: Json = False,
) -> None:
    """List budgets: what was spent in each window, what is left, and whose word the limit is."""
    session: Session = context.obj
    with Api(session.target) as api:
        found = [api.get(_path(scope))] if scope else list(api.budgets(limit, kind=kind))
    if as_json:
        print_json(found)
    else:
        _print(found)


@app.command("set")
def set_limit(
    context: typer.Context,
    scope: ScopeName,
    window: Annotated[Window, typer.Argument(help="daily, monthly or yearly.")],
    amount: Annotated[str, typer.Argument(help=f"US dollars, of a quota a number, or {NONE!r} for no limit.")],
    soft: Annotated[bool, typer.Option("--soft", help="Tell when it is passed, and refuse nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Set a limit; it holds from the next call on. Jobs that wait for the money go on when it is raised."""
    body = {"limit": _limit_of(amount), "hard": not soft}
    session: Session = context.obj
    with Api(session.target) as api:
        _answer(api.put(f"{_path(scope)}/{window}", body), as_json=as_json)


@app.command()
def reset(
    context: typer.Context,
    scope: ScopeName,
    window: Annotated[Window, typer.Argument(help="daily, monthly or yearly.")],
    as_json: Json = False,
) -> None:
    """Give a limit back to backstay.toml. What is spent stays spent."""
    session: Session = context.obj
    with Api(session.target) as api:
        _answer(api.delete(f"{_path(scope)}/{window}"), as_json=as_json)


def _limit_of(text: str) -> str | None:
    if text == NONE:
        return None
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise Problem(f"{text!r} is no amount", f"give a number such as 12.50, or {NONE}", ExitCode.USAGE)
    return f"{amount:f}"


def _answer(budget: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(budget)
    else:
        _print([budget])


def _print(budgets: list[Mapping[str, Any]] | list[dict[str, Any]]) -> None:
    columns = ("budget", "window", "period", "limit", "spent", "reserved", "left", "used", "set by")
    rows = [row for budget in budgets for row in _rows(budget)]
    print_table(columns, rows, "no budgets")


def _rows(budget: Mapping[str, Any]) -> Iterator[tuple[str | Text, ...]]:
    """A line a window that has a limit, or a single one for a budget without any."""
    windows = [one for one in budget["windows"] if one["limit"] is not None] or budget["windows"][-1:]
    for number, window in enumerate(windows):
        has_limit = window["limit"] is not None
        yield (
            "" if number else budget["scope"],
            window["window"],
            window["period"],
            f"{_amount_text(budget, window['limit'])}{'' if window['hard'] else ' soft'}" if has_limit else "none",
            _amount_text(budget, window["spent"]),
            _amount_text(budget, budget["reserved"]),
            _amount_text(budget, window["left"]) if has_limit else "",
            _used(window["used_percent"]),
            window["set_by"],
        )


def _amount_text(budget: Mapping[str, Any], amount: str) -> str:
    return f"${amount}" if budget["unit"] == "usd" else f"{Decimal(amount):,f}"


def _used(percent: float | None) -> str | Text:
    if percent is None:
        return ""
    style = "red" if percent >= 95 else "yellow" if percent >= 75 else ""
    return Text(f"{percent:.1f}%", style=style)


def _path(scope: str) -> str:
    return f"/api/budgets/{quote(scope, safe='')}"
