"""`backstay stats`: how every task is doing, and counting anew."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from cli.api import Api
from cli.aws import acting_as
from cli.options import Json
from cli.output import console, duration_text, notes, print_json, table_of
from cli.problems import ExitCode, Problem
from cli.target import Session

_COUNTS = ("waiting", "active", "delayed", "completed", "failed", "cancelled", "dead_letters")


app = typer.Typer(help="How every task is doing; without a command, show it.")


@app.callback(invoke_without_command=True)
def stats(context: typer.Context, as_json: Json = False) -> None:
    """Show jobs by task and state, throughput, success rate, and which providers are configured."""
    if context.invoked_subcommand:
        return
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


@app.command()
def rebuild(context: typer.Context, as_json: Json = False) -> None:
    """Count all jobs anew and put right what counters say otherwise. Pause the tasks first. Needs AWS credentials."""
    from backstay.jobs.recount import QUIET_S, NotQuietError, Recount

    session: Session = context.obj
    target = session.target
    with Api(target) as api:
        tasks = [task["task"] for task in api.get("/api/stats")["tasks"]]
    notes.print(f"counting the jobs of {len(tasks)} tasks twice, {QUIET_S:.0f} s apart …")
    with acting_as(target.aws):
        try:
            corrections = Recount(target.outputs["JobsTable"], tasks).rebuild()
        except NotQuietError as error:
            remedy = "pause the tasks (POST /api/tasks/TASK/pause), and try again when no job is active"
            raise Problem(str(error), remedy, ExitCode.CONFLICT) from error
        except (BotoCoreError, ClientError) as error:
            raise Problem(str(error), "check the credentials and their permissions", ExitCode.NOT_REACHABLE) from error
    if as_json:
        print_json([asdict(one) for one in corrections])
    elif corrections:
        rows = [(one.tenant or "", one.task, str(one.state), str(one.was), str(one.now)) for one in corrections]
        console.print(table_of(("tenant", "task", "state", "said", "says"), rows))
    else:
        console.print("every counter was right")


def _row(name: str, numbers: Mapping[str, Any]) -> tuple[str, ...]:
    oldest, rate, success = (numbers.get(key) for key in ("oldest_waiting_s", "throughput_per_minute", "success_rate"))
    return (
        name,
        *("" if numbers[count] is None else str(numbers[count]) for count in _COUNTS),
        duration_text(None if oldest is None else oldest * 1000),
        "" if rate is None else f"{rate:.1f}",
        "" if success is None else f"{success:.0%}",
    )
