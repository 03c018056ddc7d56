"""`backstay submit`: bring work, and watch it if asked to."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from backstay.clock import utc_now
from backstay.tracing.context import begun, fresh_span_id
from cli.api import Api
from cli.jobs import exit_code_of
from cli.output import console, notes, print_json, state_text
from cli.problems import ExitCode, Problem
from cli.target import Session
from cli.views import JobView

_FIRST_POLL_S, _SLOWEST_POLL_S = 0.3, 5.0


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(submit)


def submit(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="The task's name, such as enhance-story.")],
    file: Annotated[Path, typer.Option("--input", help="JSON file with the task's input; - reads standard input.")],
    watch: Annotated[bool, typer.Option("--watch", help="Wait for the end; exit 1 unless it is completed.")] = False,
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key is the same job.")] = None,
    priority: Annotated[str | None, typer.Option(help="high, normal or low, for tasks that have priorities.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whom the work is for.")] = None,
    delay_s: Annotated[int | None, typer.Option(min=0, help="Start in so many seconds.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="For cost reports; may be given ten times.")] = None,
    trace: Annotated[bool, typer.Option("--trace", help="Trace it; see it with: backstay trace JOB.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with JSON.")] = False,
) -> None:
    """Submit one job."""
    session: Session = context.obj
    wanted: dict[str, object] = {
        "idempotency_key": key,
        "priority": priority,
        "tenant": tenant,
        "delay_s": delay_s,
        "tags": tag,
    }
    body: dict[str, object] = {"task": task, "input": read_input(file)}
    body |= {name: value for name, value in wanted.items() if value is not None}
    with Api(session.target) as api:
        document = api.post("/api/jobs", body, {"traceparent": fresh_traceparent()} if trace else None)
        if watch:
            document = _watched(api, document["id"])
    job = JobView.of(document)
    if as_json:
        print_json(document)
    else:
        console.print(job.id, state_text(job.state), job.why)
        if watch and job.result is not None:
            print_json(job.result)
    if watch:
        raise typer.Exit(exit_code_of(job))


def fresh_traceparent() -> str:
    """Asks for a trace of its own, as W3C writes it."""
    return f"00-{begun(utc_now()).trace_id}-{fresh_span_id()}-01"


def read_input(file: Path) -> dict[str, Any]:
    """The JSON object in a file, or in standard input for `-`.

    Raises:
        Problem: there is no such file, or no JSON object in it.
    """
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        document = json.loads(text)
    except OSError as error:
        raise Problem(f"can't read {file}: {error.strerror}", "name a JSON file", ExitCode.USAGE) from error
    except ValueError as error:
        name = "standard input" if str(file) == "-" else str(file)
        raise Problem(f"{name} is not JSON: {error}", "mend it", ExitCode.USAGE) from error
    if not isinstance(document, dict):
        raise Problem(f"{file} holds {type(document).__name__}, not a JSON object", "put it in {…}", ExitCode.USAGE)
    return document


def poll(api: Api, job_id: str) -> Iterator[dict[str, Any]]:
    """A job again and again until it is over, ever more slowly."""
    pause = _FIRST_POLL_S
    while True:
        document = api.get(f"/api/jobs/{job_id}")
        yield document
        if JobView.of(document).is_over:
            return
        time.sleep(pause)
        pause = min(_SLOWEST_POLL_S, pause * 1.3)


def _watched(api: Api, job_id: str) -> dict[str, Any]:
    document: dict[str, Any] = {}
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        bar = progress.add_task("submitted", total=None)
        for document in poll(api, job_id):
            job = JobView.of(document)
            total = 100 if job.progress is not None else None
            line = f"{job.state} {job.why}".strip()
            progress.update(bar, description=line, total=total, completed=job.progress or 0)
    return document
