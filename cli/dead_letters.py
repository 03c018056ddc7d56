"""`backstay dlq`: what the queues gave up on, and putting it back."""

from typing import Annotated

import typer

from cli.api import Api
from cli.options import Json
from cli.output import console, print_json, print_table
from cli.problems import ExitCode, Problem
from cli.target import Session

app = typer.Typer(help="Dead letters: see them, put them back.", no_args_is_help=True)

Task = Annotated[str | None, typer.Option(help="Only this task's.")]
Tenant = Annotated[str | None, typer.Option(help="Only this tenant's.")]
ErrorClass = Annotated[str | None, typer.Option("--error", help="Only of this error class, such as task_error.")]


@app.command("ls")
def list_dead_letters(
    context: typer.Context,
    task: Task = None,
    tenant: Tenant = None,
    error: ErrorClass = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="So many.")] = 20,
    as_json: Json = False,
) -> None:
    """List dead letters with task and reason: failed jobs, and messages that are no jobs."""
    session: Session = context.obj
    with Api(session.target) as api:
        document = api.get("/api/dead-letters", task=task, tenant=tenant, error_class=error, limit=limit)
    letters = document["dead_letters"]
    if as_json:
        print_json(document)
        return
    columns = ("id", "task", "error", "message", "since")
    rows = [[str(letter.get(name) or "") for name in _FIELDS] for letter in letters]
    print_table(columns, rows, "no dead letters")


_FIELDS = ("id", "task", "error_class", "message", "failed_at")


@app.command()
def redrive(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids as ls tells them; none with --all or a filter.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Redrive all of them.")] = False,
    task: Task = None,
    tenant: Tenant = None,
    error: ErrorClass = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell how many, and what they may cost.")] = False,
    per_second: Annotated[float | None, typer.Option(min=0.1, help="At most so many a second.")] = None,
    as_json: Json = False,
) -> None:
    """Send failed jobs anew, under their keys and with attempts reset."""
    chosen: dict[str, object] = {
        "ids": ids,
        "task": task,
        "tenant": tenant,
        "error_class": error,
        "all": everything,
    }
    body = {name: value for name, value in chosen.items() if value}
    if not body:
        raise Problem("nothing is chosen", "name ids, a filter, or --all", ExitCode.USAGE)
    body["dry_run"] = dry_run
    if per_second:
        body["per_second"] = per_second
    session: Session = context.obj
    with Api(session.target) as api:
        document = api.post("/api/dead-letters/redrive", body)
    if as_json:
        print_json(document)
    elif dry_run:
        console.print(f"{document['count']} jobs, expected to cost ${document['expected_cost_usd']}")
    else:
        console.print(f"redriving as job {document['id']}; watch it: backstay jobs show {document['id']}")
