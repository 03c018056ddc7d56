"""`backstay alerts`: what people must hear of, who looks after it, and when nobody is to be told."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from cli import mutes
from cli.api import Api
from cli.options import Json
from cli.output import console, print_json, print_table, state_text
from cli.target import Session

app = typer.Typer(help="Alerts: see them, look after them, silence them.", no_args_is_help=True)
app.add_typer(mutes.silences, name="silence")
app.add_typer(mutes.maintenance, name="maintenance")

AlertId = Annotated[str, typer.Argument(help="The alert's id, as ls tells it.")]

_SEVERITY_STYLES = {"info": "cyan", "warning": "yellow", "critical": "red", "emergency": "bold red"}


class State(StrEnum):
    """Where an alert stands."""

    UNRESOLVED = "unresolved"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@app.command("ls")
def list_alerts(
    context: typer.Context,
    state: Annotated[State, typer.Option(help="In this state only.")] = State.UNRESOLVED,
    everything: Annotated[bool, typer.Option("--all", help="In any state.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The latest so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List alerts, latest first: those that are not resolved, unless you say otherwise."""
    session: Session = context.obj
    with Api(session.target) as api:
        found = list(api.alerts(limit, state=None if everything else state))
    if as_json:
        print_json(found)
        return
    columns = ("id", "severity", "state", "rule", "source", "times", "since", "told")
    print_table(columns, [_row(alert) for alert in found], "no alerts")


@app.command()
def show(context: typer.Context, alert_id: AlertId, as_json: Json = False) -> None:
    """Show one alert: what happened, what to do, and who was told."""
    session: Session = context.obj
    with Api(session.target) as api:
        alert = api.get(_path(alert_id))
    if as_json:
        print_json(alert)
    else:
        _show(alert)


@app.command()
def ack(context: typer.Context, alert_id: AlertId, as_json: Json = False) -> None:
    """Look after an alert: nobody else is told of it any more."""
    _move(context, alert_id, "acknowledge", as_json)


@app.command()
def resolve(context: typer.Context, alert_id: AlertId, as_json: Json = False) -> None:
    """Resolve an alert: it is over, and whoever was told hears so."""
    _move(context, alert_id, "resolve", as_json)


def _move(context: typer.Context, alert_id: str, action: str, as_json: bool) -> None:
    session: Session = context.obj
    with Api(session.target) as api:
        alert = api.post(f"{_path(alert_id)}/{action}")
    if as_json:
        print_json(alert)
    else:
        console.print(alert["id"], state_text(alert["state"]), f"{alert['rule']} {alert['source']}")


def _row(alert: Mapping[str, Any]) -> list[str | Text]:
    return [
        alert["id"],
        _severity(alert),
        state_text(alert["state"]),
        alert["rule"],
        alert["source"],
        str(alert["count"]),
        alert["opened_at"],
        _told(alert),
    ]


def _show(alert: Mapping[str, Any]) -> None:
    console.print(
        Text(alert["id"], "bold"), _severity(alert), state_text(alert["state"]), f"{alert['rule']} {alert['source']}"
    )
    console.print(alert["text"], soft_wrap=True)
    times = "once" if alert["count"] == 1 else f"{alert['count']} times, last {alert['last_at']}"
    facts = {
        "since": f"{alert['opened_at']} ({times})",
        "tenant": alert["tenant"],
        "acknowledged": _by(alert, "acknowledged"),
        "resolved": _by(alert, "resolved"),
        "nobody told, by": alert["muted_by"],
        **alert["details"],
    }
    width = max(map(len, facts))
    for name, value in facts.items():
        if value:
            console.print(f"  {name:{width}}  {value}", soft_wrap=True)
    for delivery in alert["deliveries"]:
        problem = f": {delivery['error']}" if delivery["error"] else ""
        console.print(f"  {delivery['channel']} {delivery['state']} {delivery['at']}{problem}", soft_wrap=True)


def _by(alert: Mapping[str, Any], what: str) -> str:
    return f"{alert[f'{what}_at']} by {alert[f'{what}_by']}" if alert[f"{what}_at"] else ""


def _severity(alert: Mapping[str, Any]) -> Text:
    return Text(alert["severity"], style=_SEVERITY_STYLES[alert["severity"]])


def _told(alert: Mapping[str, Any]) -> str:
    """Which channels heard of it; with what became of the message, where it was not sent."""
    if alert["muted_by"]:
        return f"nobody: {alert['muted_by']}"
    return ", ".join(
        one["channel"] if one["state"] == "sent" else f"{one['channel']} ({one['state']})"
        for one in alert["deliveries"]
    )


def _path(alert_id: str) -> str:
    return f"/api/alerts/{quote(alert_id, safe='')}"
