"""`backstay saga`: run sagas, watch their steps, let them go on, call them off."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.live import Live
from rich.text import Text

from cli.api import Api
from cli.options import Json, Limit, OfTenant
from cli.output import console, duration_text, moment_text, notes, print_json, print_table, state_text
from cli.problems import ExitCode
from cli.run_drawing import drawing_of
from cli.run_views import RunView
from cli.submit import read_input
from cli.target import Session

app = typer.Typer(help="Run sagas, watch their steps, let them go on, call them off.", no_args_is_help=True)

RunId = Annotated[str, typer.Argument(help="The run's id, as start printed it.")]
Reason = Annotated[str, typer.Option(help="For the record, and for whoever reads it.")]
Watch = Annotated[bool, typer.Option("--watch", help="Draw the steps until the end; exit 1 unless it is completed.")]

_LOOK_EVERY_S = 0.5


@app.command("ls")
def list_sagas(
    context: typer.Context,
    picture: Annotated[bool, typer.Option("--picture", help="Print each saga's picture, in Mermaid.")] = False,
    as_json: Json = False,
) -> None:
    """List sagas, and how their runs did."""
    session: Session = context.obj
    with Api(session.target) as api:
        found = api.get("/api/sagas")["sagas"]
        numbers = {one["saga"]: one for one in api.get("/api/workflows")["workflows"]}
    if as_json:
        print_json([saga | {"statistics": numbers.get(saga["name"])} for saga in found])
    elif picture:
        for saga in found:
            console.print(f"{saga['name']}\n{saga['picture']}", markup=False, soft_wrap=True)
    else:
        columns = (
            *("saga", "steps", "started", "running", "completed", "failed", "aborted"),
            *("errors", "average", "p95", "stuck"),
        )
        rows = [_saga_row(saga, numbers[saga["name"]]) for saga in found if saga["name"] in numbers]
        print_table(columns, rows, "no sagas; write one in infra/sagas/")


@app.command()
def start(
    context: typer.Context,
    saga: Annotated[str, typer.Argument(help="The saga's name, such as launch-campaign.")],
    file: Annotated[Path, typer.Option("--input", help="JSON file with the saga's input; - reads standard input.")],
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key is the same run.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whom it is for.")] = None,
    pre_approved: Annotated[bool, typer.Option("--pre-approved", help="Give approvals beforehand.")] = False,
    watch: Watch = False,
    as_json: Json = False,
) -> None:
    """Start a run."""
    session: Session = context.obj
    wanted: dict[str, object] = {"idempotency_key": key, "tenant": tenant, "pre_approved": pre_approved or None}
    body = {"input": read_input(file)} | {name: value for name, value in wanted.items() if value is not None}
    with Api(session.target) as api:
        document = api.post(f"/api/sagas/{quote(saga, safe='')}/runs", body)
        if watch:
            document = _watched(api, document["id"])
    _answer(document, as_json=as_json)
    if watch:
        raise typer.Exit(_exit_code_of(RunView.of(document)))


@app.command("runs")
def list_runs(
    context: typer.Context,
    saga: Annotated[str | None, typer.Option(help="Only this saga's.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state: running, waiting_for_approval, …")] = None,
    tenant: OfTenant = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    session: Session = context.obj
    with Api(session.target) as api:
        found = list(api.runs(limit, saga=saga, state=state, tenant=tenant))
    if as_json:
        print_json(found)
        return
    columns = ("id", "saga", "state", "started at", "run", "why")
    rows = [_run_row(RunView.of(document)) for document in found]
    print_table(columns, rows, "no runs")


@app.command()
def show(context: typer.Context, run_id: RunId, watch: Watch = False, as_json: Json = False) -> None:
    """Show one run, step by step.

    Each with state, attempts, times and cost, and what was undone.
    """
    session: Session = context.obj
    with Api(session.target) as api:
        document = _watched(api, run_id) if watch else api.get(_path(run_id))
    if as_json:
        print_json(document)
    else:
        console.print(drawing_of(RunView.of(document)))
    if watch:
        raise typer.Exit(_exit_code_of(RunView.of(document)))


@app.command()
def approve(context: typer.Context, run_id: RunId, reason: Reason = "", as_json: Json = False) -> None:
    """Let a run go on that waits for approval."""
    _act(context, f"{_path(run_id)}/approve", {"reason": reason}, as_json=as_json)


@app.command()
def reject(context: typer.Context, run_id: RunId, reason: Reason = "", as_json: Json = False) -> None:
    """Refuse a run that waits for approval; what it has done is undone."""
    _act(context, f"{_path(run_id)}/reject", {"reason": reason}, as_json=as_json)


@app.command()
def abort(context: typer.Context, run_id: RunId, as_json: Json = False) -> None:
    """Stop a run, and undo what it has done."""
    _act(context, f"{_path(run_id)}/abort", None, as_json=as_json)


@app.command()
def redrive(context: typer.Context, run_id: RunId, as_json: Json = False) -> None:
    """Go on from where a run failed.

    One that is undone is started anew, as another run.
    """
    _act(context, f"{_path(run_id)}/redrive", None, as_json=as_json)


def _run_row(run: RunView) -> tuple[str | Text, ...]:
    return (
        run.id,
        run.saga,
        state_text(run.state),
        moment_text(run.started_at),
        duration_text(run.duration_ms),
        run.why,
    )


def _saga_row(saga: Mapping[str, Any], numbers: Mapping[str, Any]) -> tuple[str, ...]:
    rate, average, p95 = (numbers[name] for name in ("error_rate", "average_duration_s", "p95_duration_s"))
    return (
        saga["name"],
        str(len(saga["steps"])),
        *(str(numbers[name]) for name in ("started", "running", "completed", "failed")),
        str(numbers["ends"]["aborted"]),
        "" if rate is None else f"{rate:.0%}",
        *(duration_text(None if seconds is None else seconds * 1000) for seconds in (average, p95)),
        str(numbers["stuck"]),
    )


def _path(run_id: str) -> str:
    return f"/api/runs/{quote(run_id, safe='')}"


def _act(context: typer.Context, path: str, body: Mapping[str, Any] | None, *, as_json: bool) -> None:
    session: Session = context.obj
    with Api(session.target) as api:
        document = api.post(path, body)
    _answer(document, as_json=as_json)


def _answer(document: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    run = RunView.of(document)
    console.print(drawing_of(run) if run.steps else Text(f"{run.id} ") + state_text(run.state) + Text(f" {run.why}"))


def _watched(api: Api, run_id: str) -> dict[str, Any]:
    """The run as it ended; its steps are drawn until then, or told one by one where nobody watches."""
    document: dict[str, Any] = {}
    told: set[str] = set()
    with Live(console=notes, transient=True, refresh_per_second=8, auto_refresh=notes.is_terminal) as live:
        for document in _poll(api, run_id):
            run = RunView.of(document)
            if notes.is_terminal:
                live.update(drawing_of(run))
                continue
            for line in _news(run):
                if line not in told:
                    told.add(line)
                    notes.print(line, markup=False, soft_wrap=True)
    return document


def _news(run: RunView) -> Iterator[str]:
    for step in run.steps:
        if step.state not in ("pending", "skipped"):
            yield f"{step.name}: {step.state} {step.why}".strip()
        if step.undo_state:
            yield f"{step.name}: undo {step.undo_state}"
    yield f"run: {run.state} {run.why}".strip()


def _poll(api: Api, run_id: str) -> Iterator[dict[str, Any]]:
    while True:
        document = api.get(_path(run_id))
        yield document
        if RunView.of(document).is_over:
            return
        time.sleep(_LOOK_EVERY_S)


def _exit_code_of(run: RunView) -> ExitCode:
    return ExitCode.OK if run.state == "completed" else ExitCode.FAILED
