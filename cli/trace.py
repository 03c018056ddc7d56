"""`backstay trace`: one job's way from the request to the callback, drawn along time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import typer
from rich.text import Text

from backstay.clock import epoch_ms, from_iso
from cli.api import Api
from cli.jobs import JobId
from cli.log_search import Line, LogSearch
from cli.options import Json
from cli.output import console, duration_text, print_json, table_of
from cli.problems import ExitCode, Problem
from cli.target import Session

_BAR = 24
"""Columns."""
_BEFORE_MS = 15 * 60_000
"""A caller may have begun its trace well before the job."""
_FACTS = ("error.type", "backstay.outcome", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "server.address")


@dataclass(frozen=True, slots=True)
class SpanView:
    """A span as a log line holds it."""

    id: str
    parent: str | None
    name: str
    service: str
    began_ms: float
    ended_ms: float
    attributes: Mapping[str, Any]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "SpanView":
        """Read one."""
        return cls(
            document["id"],
            document["parent"],
            document["name"],
            document["service"],
            document["began_ms"],
            document["ended_ms"],
            document["attributes"],
        )


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(trace)


def trace(context: typer.Context, job_id: JobId, as_json: Json = False) -> None:
    """Draw a traced job's way along time: request, queue, attempts, model calls, callbacks.

    A small part of all jobs is traced (`[tracing] sample`), and every one that asks for it: `backstay submit --trace`,
    or a `traceparent` header.
    """
    session: Session = context.obj
    with Api(session.target) as api:
        job = api.get(f"/api/jobs/{job_id}")
    if job["trace_id"] is None:
        raise Problem(f"job {job_id} is not traced", "submit with --trace; see docs/logs-and-traces.md")
    lines = LogSearch(session.target).lines(job["trace_id"], epoch_ms(from_iso(job["created_at"])) - _BEFORE_MS)
    documents = spans_in(lines)
    if not documents:
        problem = f"no function has written spans of trace {job['trace_id']} yet"
        raise Problem(problem, "try again in a few seconds, or when the job is over", ExitCode.NOT_FOUND)
    if as_json:
        print_json({"trace_id": job["trace_id"], "spans": documents})
        return
    console.print(f"trace {job['trace_id']}")
    console.print(table_of(("", "service", "took", "along time", "facts"), rows_of(map(SpanView.of, documents))))


def spans_in(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """The spans that log lines hold, each once, by their beginning."""
    found = {span["id"]: span for line in lines for span in line.keys.get("spans", ())}
    return sorted(found.values(), key=lambda span: float(span["began_ms"]))


def rows_of(spans: Iterable[SpanView]) -> list[tuple[str | Text, ...]]:
    """A line for each span, below its parent; one whose parent is somebody else's stands at the left."""
    every = list(spans)
    began, ended = min(span.began_ms for span in every), max(span.ended_ms for span in every)
    children: dict[str | None, list[SpanView]] = {}
    known = {span.id for span in every}
    for span in every:
        children.setdefault(span.parent if span.parent in known else None, []).append(span)

    def below(parent: str | None, depth: int) -> Iterable[tuple[str | Text, ...]]:
        for span in children.get(parent, ()):
            yield _row(span, depth, began, ended)
            yield from below(span.id, depth + 1)

    return list(below(None, 0))


def _row(span: SpanView, depth: int, began_ms: float, ended_ms: float) -> tuple[str | Text, ...]:
    has_failed = "error.type" in span.attributes
    style = "red" if has_failed else ""
    facts = " ".join(_fact(name, span.attributes[name]) for name in _FACTS if name in span.attributes)
    return (
        Text("  " * depth + span.name, style),
        span.service,
        duration_text(span.ended_ms - span.began_ms),
        Text(bar(span.began_ms - began_ms, span.ended_ms - began_ms, ended_ms - began_ms), style or "cyan"),
        Text(facts, style or "bright_black"),
    )


def bar(begins: float, ends: float, whole: float, columns: int = _BAR) -> str:
    """Where in the whole something lies; never less than one column, never beyond the last."""
    scale = columns / whole if whole > 0 else 0
    first = min(columns - 1, int(begins * scale))
    length = max(1, round((ends - begins) * scale))
    return "·" * first + "━" * min(length, columns - first) + "·" * max(0, columns - first - length)


def _fact(name: str, value: object) -> str:
    match name:
        case "gen_ai.usage.input_tokens":
            return f"in {value}"
        case "gen_ai.usage.output_tokens":
            return f"out {value}"
        case _:
            return str(value)
