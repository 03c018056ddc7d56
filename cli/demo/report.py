"""The demo's table, while it runs and at its end."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.demo.outcome import Outcome, judge
from cli.output import cost_text, duration_text, state_text, table_of

_COLUMNS = ("", "scenario", "by", "end", "attempts", "wait", "run", "source", "cost")
_SOMETIMES = {"source", "cost"}
"""Columns that a table leaves out when none of its rows has anything to say there."""


def complaints_of(outcomes: Sequence[Outcome]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """What is wrong with each outcome, by task and scenario."""
    return {
        (outcome.task, outcome.scenario.name): judge(outcome, _same_task(outcomes, outcome.task))
        for outcome in outcomes
    }


def _same_task(outcomes: Sequence[Outcome], task: str) -> dict[str, Outcome]:
    return {outcome.scenario.name: outcome for outcome in outcomes if outcome.task == task}


def render(outcomes: Sequence[Outcome]) -> RenderableType:
    """A table for every task; what isn't over yet shows where it stands."""
    tasks = dict.fromkeys(outcome.task for outcome in outcomes)
    complaints = complaints_of(outcomes)
    return Group(*(_table(task, [o for o in outcomes if o.task == task], complaints) for task in tasks))


def _table(task: str, outcomes: Sequence[Outcome], complaints: Mapping[tuple[str, str], tuple[str, ...]]) -> Table:
    rows = [_row(outcome, complaints[task, outcome.scenario.name]) for outcome in outcomes]
    shown = [n for n, column in enumerate(_COLUMNS) if column not in _SOMETIMES or any(row[n] for row in rows)]
    return table_of([_COLUMNS[n] for n in shown], [[row[n] for n in shown] for row in rows], title=f"\n{task}")


def _row(outcome: Outcome, complaints: Sequence[str]) -> tuple[str | Text, ...]:
    job = outcome.job
    mark = Text("·", "dim") if not outcome.is_over else Text("✗", "red") if complaints else Text("✓", "green")
    name = outcome.scenario.name
    if outcome.is_over and complaints:
        name += "\n" + "\n".join(complaints)
    return (
        mark,
        name,
        outcome.scenario.send.upper(),
        state_text(outcome.end),
        str(job.attempts) if job else "",
        duration_text(job.queue_wait_ms) if job else "",
        duration_text(job.run_ms) if job else "",
        job.source if job else "",
        cost_text(job.cost_usd) if job else "",
    )


def total_cost(outcomes: Sequence[Outcome]) -> Decimal:
    """What all jobs cost together; a job that several scenarios share costs once."""
    costs = {outcome.job.id: outcome.job.cost_usd or Decimal(0) for outcome in outcomes if outcome.job}
    return sum(costs.values(), Decimal(0))


def to_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The whole result for a program."""
    complaints = complaints_of(outcomes)
    return {
        "ok": not any(complaints.values()),
        "cost_usd": str(total_cost(outcomes)),
        "scenarios": [
            {
                "task": outcome.task,
                "name": outcome.scenario.name,
                "end": outcome.end,
                "job_id": outcome.job.id if outcome.job else None,
                "detail": outcome.detail,
                "complaints": complaints[outcome.task, outcome.scenario.name],
            }
            for outcome in outcomes
        ],
    }
