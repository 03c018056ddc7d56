"""`backstay logs`: what every function wrote about one job, with what became of it in between."""

from collections.abc import Iterator, Mapping
from time import sleep
from typing import Annotated, Any

import typer
from rich.text import Text

from backstay.clock import epoch_ms, from_epoch_ms, from_iso, iso
from cli.api import Api
from cli.jobs import JobId
from cli.log_search import Line, LogSearch
from cli.output import console, print_json_line
from cli.target import Session
from cli.views import JobView

RECORD = "record"
"""Stands for a function where a line tells what the job's record says."""

_POLL_S = 2.0
_BEFORE_MS, _AFTER_MS = 60_000, 15 * 60_000
"""How far around a job's life lines about it are looked for: clocks differ, and callbacks come later."""

_PLAIN = frozenset(
    {"level", "message", "timestamp", "service", "location", "job_id", "exception", "exception_name", "message_id"}
    | {"xray_trace_id", "requestId", "logger", "stack_trace"}
)
_STYLES = {"WARNING": "yellow", "WARN": "yellow", "ERROR": "red", "CRITICAL": "bold red", "FATAL": "bold red"}


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(logs)


def logs(
    context: typer.Context,
    job_id: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job is over.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with a line of JSON for each.")] = False,
) -> None:
    """Show what every function wrote about a job, by time, and what became of the job in between.

    On AWS it needs credentials that may search the functions' logs.
    """
    session: Session = context.obj
    with Api(session.target) as api:
        for line in _lines(api, LogSearch(session.target), job_id, follow=follow):
            if as_json:
                print_json_line(_document(line))
            else:
                console.print(_text(line), soft_wrap=True)


def _lines(api: Api, search: LogSearch, job_id: str, *, follow: bool) -> Iterator[Line]:
    """What there is; with `follow`, also what comes until a round after the job's end."""
    shown: set[Line] = set()
    while True:
        job = api.get(f"/api/jobs/{job_id}")
        is_last = not follow or JobView.of(job).is_over
        if follow and is_last and shown:
            sleep(_POLL_S)  # what was written at the very end arrives late
        found = sorted({*history_of(job), *_written(search, job)}, key=lambda line: line.at_ms)
        yield from (line for line in found if line not in shown)
        shown.update(found)
        if is_last:
            return
        sleep(_POLL_S)


def _written(search: LogSearch, job: Mapping[str, Any]) -> list[Line]:
    finished = job["finished_at"]
    until_ms = epoch_ms(from_iso(finished)) + _AFTER_MS if finished else None
    found = search.lines(job["id"], epoch_ms(from_iso(job["created_at"])) - _BEFORE_MS, until_ms)
    return [line for line in found if "spans" not in line.keys]  # those are for `backstay trace`


def history_of(job: Mapping[str, Any]) -> list[Line]:
    """What a job's record tells of its life."""
    happened = [(job["created_at"], f"submitted for {job['task']}"), (job["started_at"], "claimed for the first time")]
    happened += [
        (failed["at"], f"attempt {failed['attempt']}: {failed['class']}: {failed['message']}")
        for failed in job["failures"]
    ]
    happened.append((job["finished_at"], f"{job['state']} after {job['attempts']} attempts"))
    return [
        Line(epoch_ms(from_iso(at)), RECORD, what, {"level": "INFO", "message": what, "job_id": job["id"]})
        for at, what in happened
        if at
    ]


def _document(line: Line) -> dict[str, Any]:
    said = line.keys or {"message": line.message}
    return {"at": iso(from_epoch_ms(line.at_ms)), "function": line.function, **said}


def _text(line: Line) -> Text:
    level = str(line.keys.get("level", ""))
    text = Text.assemble(
        (f"{iso(from_epoch_ms(line.at_ms))[11:23]} ", "bright_black"),
        (f"{line.function:<16} ", "cyan"),
        (f"{level:<8}" if line.function != RECORD else " " * 8, _STYLES.get(level, "")),
        str(line.keys.get("message", line.message)),
    )
    for key, value in line.keys.items():
        if key not in _PLAIN:
            text.append(f" {key}={value}", "bright_black")
    if raised := line.keys.get("exception") or line.keys.get("stack_trace"):
        text.append("\n" + (raised if isinstance(raised, str) else "".join(raised)).rstrip(), "bright_black")
    return text
