"""`backstay stats`: how every task is doing."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli.api import Api
from cli.output import console, duration_text, print_json, table_of
from cli.target import Session

_COUNTS = ("waiting", "active", "delayed", "completed", "failed", "cancelled", "dead_letters")


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(stats)


def stats(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with JSON.")] = False,
) -> None:
    """Show jobs by task and state, throughput, success rate, and which providers are configured."""
    session: Session = context.obj
    with Api(session.target) as api:
        document = api.get("/api/stats")
    if as_json:
        print_json(document)
        return
    columns = ("task", *(name.replace("_", " ") for name in _COUNTS), "oldest", "per minute", "success")
    rows = [_row(task["task"] + (" (paused)" if task["paused"] else ""), task) for task in document["tasks"]]
    console.print(table_of(columns, [*rows, _row("total", document["total"])]))
    console.print(f"providers: {', '.join(document['providers']) or 'none; tasks use their fallbacks'}")


def _row(name: str, numbers: Mapping[str, Any]) -> tuple[str, ...]:
    oldest, rate, success = (numbers.get(key) for key in ("oldest_waiting_s", "throughput_per_minute", "success_rate"))
    return (
        name,
        *("" if numbers[count] is None else str(numbers[count]) for count in _COUNTS),
        duration_text(None if oldest is None else oldest * 1000),
        "" if rate is None else f"{rate:.1f}",
        "" if success is None else f"{success:.0%}",
    )
