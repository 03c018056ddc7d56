"""`backstay credits`: what is left of credit that was bought from providers, and noting that more was bought."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from urllib.parse import quote

import typer

from cli.api import Api
from cli.output import console, print_json, table_of
from cli.problems import ExitCode, Problem
from cli.target import Session

app = typer.Typer(help="Credit that was bought from providers: see what is left, note a top-up.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Answer with JSON.")]


@app.command("ls")
def list_credits(context: typer.Context, as_json: Json = False) -> None:
    """List what was bought, what is left of it, and when it runs out. OpenRouter tells it itself: providers ls."""
    session: Session = context.obj
    with Api(session.target) as api:
        found = api.get("/api/credits")["credits"]
    if as_json:
        print_json(found)
    else:
        _print(found)


@app.command("top-up")
def top_up(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="The provider, as backstay.toml calls it.")],
    usd: Annotated[str, typer.Argument(help="US dollars; the first time, what is left now.")],
    note: Annotated[str, typer.Option(help="For whoever reads it, such as an invoice's number.")] = "",
    key: Annotated[str | None, typer.Option(help="The same key once more is noted once.")] = None,
    as_json: Json = False,
) -> None:
    """Note that credit was bought. Calls that were held because the provider wanted to be paid go on."""
    body = {"usd": _amount(usd), "note": note} | ({"idempotency_key": key} if key else {})
    session: Session = context.obj
    with Api(session.target) as api:
        credit = api.post(f"/api/credits/{quote(provider, safe='')}/top-ups", body)
    if as_json:
        print_json(credit)
    else:
        _print([credit])


def _amount(text: str) -> str:
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise Problem(f"{text!r} is no amount", "give US dollars, such as 100", ExitCode.USAGE)
    return f"{amount:f}"


def _print(found: list[Mapping[str, Any]]) -> None:
    columns = ("provider", "bought", "spent", "left", "a day", "runs out", "last top-up")
    console.print(table_of(columns, [_row(one) for one in found]) if found else "no credit was noted: credits top-up")


def _row(credit: Mapping[str, Any]) -> tuple[str, ...]:
    amounts = (f"${credit[name]}" for name in ("bought_usd", "spent_usd", "left_usd", "a_day_usd"))
    last = credit["top_ups"][-1]
    return (
        credit["provider"],
        *amounts,
        (credit["runs_out_at"] or "")[:10],
        f"{last['at'][:10]} ${last['usd']} {last['note']}".strip(),
    )
