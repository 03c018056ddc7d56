"""`backstay jobs`: see jobs, cancel them, try them again."""

from typing import Annotated

import typer
from rich.text import Text

from cli.api import Api
from cli.options import Json, Limit, OfTenant
from cli.output import console, cost_text, duration_text, print_json, print_table, state_text
from cli.problems import ExitCode
from cli.target import Session
from cli.views import JobView

app = typer.Typer(help="See jobs, cancel them, try them again.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(help="The job's id, as submit printed it.")]


@app.command("ls")
def list_jobs(
    context: typer.Context,
    task: Annotated[str | None, typer.Option(help="Only this task's.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state: waiting, delayed, active, …")] = None,
    tenant: OfTenant = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List jobs, newest first."""
    session: Session = context.obj
    with Api(session.target) as api:
        found = list(api.jobs(limit, task=task, state=state, tenant=tenant))
    if as_json:
        print_json(found)
        return
    jobs = [JobView.of(document) for document in found]
    columns = ("id", "task", "state", "attempts", "wait", "run", "cost", "why")
    print_table(columns, [_row(job) for job in jobs], "no jobs")


def _row(job: JobView) -> tuple[str | Text, ...]:
    return (
        job.id,
        job.task,
        state_text(job.state),
        str(job.attempts),
        duration_text(job.queue_wait_ms),
        duration_text(job.run_ms),
        cost_text(job.cost_usd),
        job.why,
    )


@app.command()
def show(context: typer.Context, job_id: JobId, as_json: Json = False) -> None:
    """Show one job: state, input, result or error, attempts, receipt."""
    session: Session = context.obj
    with Api(session.target) as api:
        document = api.get(f"/api/jobs/{job_id}")
    if as_json or not console.is_terminal:
        print_json(document)
        return
    job = JobView.of(document)
    console.print(Text(job.id, "bold"), f" {job.task}  ", state_text(job.state), job.why)
    console.print_json(data=document, default=str)


@app.command()
def cancel(context: typer.Context, job_id: JobId, as_json: Json = False) -> None:
    """Call a job off: at once while it waits, at its next safe point while it runs."""
    _act(context, job_id, "cancel", as_json)


@app.command()
def retry(context: typer.Context, job_id: JobId, as_json: Json = False) -> None:
    """Run a failed job anew, under its key and with its attempts reset."""
    _act(context, job_id, "retry", as_json)


def _act(context: typer.Context, job_id: str, action: str, as_json: bool) -> None:
    session: Session = context.obj
    with Api(session.target) as api:
        document = api.post(f"/api/jobs/{job_id}/{action}")
    if as_json:
        print_json(document)
    else:
        job = JobView.of(document)
        console.print(job.id, state_text(job.state), job.why)


def exit_code_of(job: JobView) -> ExitCode:
    """What a job's end means for a script that waited for it."""
    return ExitCode.OK if job.state == "completed" else ExitCode.FAILED
