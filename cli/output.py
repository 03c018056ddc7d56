"""How the command speaks: tables and lines for people, JSON for programs."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cli.problems import Problem

STATE_STYLES = {
    "waiting": "yellow",
    "delayed": "magenta",
    "active": "cyan",
    "completed": "green",
    "failed": "red",
    "cancelled": "bright_black",
    "running": "cyan",
    "waiting_for_approval": "yellow",
    "waiting_for_signal": "yellow",
    "compensated": "magenta",
    "compensation_failed": "bold red",
    "aborted": "magenta",
    "pending": "bright_black",
    "skipped": "bright_black",
    "approved": "green",
    "received": "green",
    "rejected": "red",
    "timed_out": "red",
    "open": "red",
    "acknowledged": "yellow",
    "resolved": "green",
}
"""One colour a state, everywhere."""

_WIDTH_OF_A_PIPE = 200
"""Columns where nobody's window limits them, so that a line of a table stays a line."""

# What is said holds names and words of others, such as `[outbound]`: nothing in it is markup.
console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)
"""Answers go to standard output."""
notes = Console(stderr=True, highlight=False, markup=False, emoji=False)
"""What is going on, and what went wrong, goes to standard error, so that it never mixes with an answer."""


def print_json(document: object) -> None:
    """One JSON document on standard output, as a program wants it."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


def print_json_line(document: object) -> None:
    """One JSON document on a line of its own, where several follow one another."""
    sys.stdout.write(json.dumps(document, default=str) + "\n")


def print_problem(problem: Problem) -> None:
    """Cause and remedy, a line each."""
    notes.print(Text("error: ", style="bold red") + Text(problem.cause), soft_wrap=True)
    if problem.remedy:
        notes.print(Text("   do: ", style="bold") + Text(problem.remedy), soft_wrap=True)


def state_text(state: str) -> Text:
    """A job's state in its colour."""
    return Text(state, style=STATE_STYLES.get(state, ""))


def table_of(columns: Sequence[str], rows: Sequence[Sequence[str | Text]], *, title: str | None = None) -> Table:
    """A plain table; columns whose name ends in a unit or a count align right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column, justify="right" if column in _NUMBERS else "left", no_wrap=column in _WHOLE, overflow="fold"
        )
    for row in rows:
        table.add_row(*row)
    return table


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str | Text]], nothing: str) -> None:
    """A plain table as an answer, or what there is to say where it has no rows."""
    console.print(table_of(columns, rows) if rows else nothing)


_WHOLE = frozenset(
    {"", "id", "job", "saga", "step", "task", "state", "undo", "undone", "end", "api", "by", "started at"}
)
_NUMBERS = frozenset(
    {
        *("attempts", "wait", "run", "took", "cost"),
        *(
            "waiting",
            "active",
            "delayed",
            "completed",
            "cancelled",
            "failed",
            "started",
            "running",
            "aborted",
            "stuck",
            "steps",
        ),
        *("times", "limit", "spent", "reserved", "left", "used", "bought", "a day"),
        *("calls", "jobs", "a job", "tokens", "cache hits", "saved", "lost"),
        *("dead letters", "oldest", "per minute", "success", "errors", "average", "p95"),
    }
)


def duration_text(milliseconds: float | None) -> str:
    """Milliseconds as a person reads them; nothing where there is no number."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    minutes = milliseconds / 60_000
    if minutes < 2:
        return f"{milliseconds / 1000:.1f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def moment_text(iso: str) -> str:
    """A moment as the API tells it, ISO 8601 in UTC, as short as a list wants it: month, day, hour and minute."""
    return f"{iso[5:10]} {iso[11:16]}Z"


def cost_text(cost_usd: Decimal | None) -> str:
    """What a job cost, in US dollars; nothing where nothing was spent."""
    return f"${cost_usd:.6f}".rstrip("0").rstrip(".") if cost_usd else ""


@contextlib.contextmanager
def progress_line(what: str) -> Iterator[Callable[[str], None]]:
    """A line that tells what is going on, replaced by the next; where nobody watches, one line a step.

    A line that starts with a blank is a detail of the step before it.
    """
    if not notes.is_terminal:
        yield (lambda line: None if line.startswith(" ") else notes.print(f"{what}: {line}", soft_wrap=True))
        return
    with notes.status(what) as status:
        yield lambda line: status.update(escape(f"{what}: {line.strip()}"[: max(20, notes.width - 4)]))
