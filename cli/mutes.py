"""`backstay alerts silence` and `backstay alerts maintenance`: when nobody is to be told."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

import typer

from cli.api import Api
from cli.options import Json
from cli.output import console, print_json, print_table
from cli.problems import ExitCode, Problem
from cli.target import Session

silences = typer.Typer(help="Silences: tell nobody of some alerts for a while.", no_args_is_help=True)
maintenance = typer.Typer(help="Maintenance windows: tell nobody while alerts are expected.", no_args_is_help=True)

MuteId = Annotated[str, typer.Argument(help="As ls tells it.")]
Reason = Annotated[str, typer.Option(help="For whoever reads it.")]

_SILENCES, _WINDOWS = "/api/silences", "/api/maintenance-windows"


@silences.command("add")
def add_silence(
    context: typer.Context,
    rule: Annotated[str | None, typer.Option(help="Alerts of this rule, such as worker.queue_depth.")] = None,
    category: Annotated[str | None, typer.Option(help="Alerts of this category, such as worker.")] = None,
    source: Annotated[str | None, typer.Option(help="Alerts about this, such as a task's name.")] = None,
    minutes: Annotated[int, typer.Option(min=1, help="For how long.")] = 60,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Tell nobody of alerts of one rule, category or source for a while. They are recorded all the same."""
    named = {"rule": rule, "category": category, "source": source}
    chosen = {name: value for name, value in named.items() if value is not None}
    if len(chosen) != 1:
        raise Problem("name what to silence", "give one of --rule, --category and --source", ExitCode.USAGE)
    _add(context, _SILENCES, {**chosen, "minutes": minutes, "reason": reason}, as_json=as_json)


@silences.command("ls")
def list_silences(context: typer.Context, as_json: Json = False) -> None:
    """List silences that are not over."""
    _list(context, _SILENCES, "silences", as_json=as_json)


@silences.command("end")
def end_silence(context: typer.Context, silence: MuteId, as_json: Json = False) -> None:
    """End a silence now."""
    _end(context, _SILENCES, silence, as_json=as_json)


@maintenance.command("add")
def add_window(
    context: typer.Context,
    category: Annotated[
        list[str] | None, typer.Option(help="Alerts of this category, such as worker; may be repeated. All by default.")
    ] = None,
    begins: Annotated[
        str | None,
        typer.Option("--from", help="Such as 2026-12-01T22:00, in UTC unless it says so; by default now."),
    ] = None,
    ends: Annotated[str | None, typer.Option("--until", help="The same, for the end.")] = None,
    minutes: Annotated[int | None, typer.Option(min=1, help="Instead of --until: for how long.")] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Plan a maintenance window, for alerts of some categories or of all. They are recorded all the same."""
    if (ends is None) == (minutes is None):
        raise Problem("say when the maintenance ends", "give one of --until and --minutes", ExitCode.USAGE)
    begins_at = _moment("--from", begins) if begins else None
    if ends is None:
        ends_at = (begins_at or datetime.now(UTC)) + timedelta(minutes=minutes or 0)
    else:
        ends_at = _moment("--until", ends)
    body = {
        "categories": category or [],
        "begins_at": begins_at.isoformat() if begins_at else None,
        "ends_at": ends_at.isoformat(),
        "reason": reason,
    }
    _add(context, _WINDOWS, body, as_json=as_json)


@maintenance.command("ls")
def list_windows(context: typer.Context, as_json: Json = False) -> None:
    """List maintenance windows that are not over, planned ones too."""
    _list(context, _WINDOWS, "maintenance_windows", as_json=as_json)


@maintenance.command("end")
def end_window(context: typer.Context, window: MuteId, as_json: Json = False) -> None:
    """End a maintenance window now, or call it off before it begins."""
    _end(context, _WINDOWS, window, as_json=as_json)


def _add(context: typer.Context, path: str, body: Mapping[str, Any], *, as_json: bool) -> None:
    session: Session = context.obj
    with Api(session.target) as api:
        made = api.post(path, body)
    if as_json:
        print_json(made)
    else:
        console.print(f"{made['id']}: nobody is told of {_covered(made)} from {made['begins_at']} to {made['ends_at']}")


def _list(context: typer.Context, path: str, name: str, *, as_json: bool) -> None:
    session: Session = context.obj
    with Api(session.target) as api:
        document = api.get(path)
    if as_json:
        print_json(document)
        return
    columns = ("id", "alerts of", "from", "to", "by", "reason")
    rows = [
        (one["id"], _covered(one), one["begins_at"], one["ends_at"], one["by"], one["reason"]) for one in document[name]
    ]
    print_table(columns, rows, f"no {name.replace('_', ' ')}")


def _end(context: typer.Context, path: str, mute_id: str, *, as_json: bool) -> None:
    session: Session = context.obj
    with Api(session.target) as api:
        ended = api.delete(f"{path}/{quote(mute_id, safe='')}")
    if as_json:
        print_json(ended)
    else:
        console.print(f"{ended['id']} ended {ended['ends_at']}")


def _covered(mute: Mapping[str, Any]) -> str:
    """What it covers, in words."""
    if "covers" in mute:
        return f"{mute['covers']} {mute['value']}"
    return ", ".join(mute["categories"]) or "all categories"


def _moment(option: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(f"{option} {text!r} is no time", "write it as 2026-12-01T22:00", ExitCode.USAGE) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
