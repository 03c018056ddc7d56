"""The demo's table, while it runs and at its end."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.demo.outcome import Outcome, judge
from cli.output import cost_text, duration_text, state_text, table_of
from cli.views import CallView, JobView

_COLUMNS = ("", "scenario", "by", "end", "attempts", "wait", "run", "calls", "cost")
WIDTH = 100
"""Columns at most, so that the table fits into a README and a window beside another."""

_SOMETIMES = {"calls", "cost"}
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
    parts: list[RenderableType] = []
    for task in tasks:
        own = [outcome for outcome in outcomes if outcome.task == task]
        parts += [_table(task, own, complaints), *_conversations(own)]
    return Group(*parts)


def _conversations(outcomes: Sequence[Outcome]) -> list[Text]:
    """What was said in each session of more than one message, line by line."""
    sessions: dict[str, list[tuple[str, str]]] = {}
    for outcome in outcomes:
        said, result = outcome.scenario.input or {}, outcome.job.result if outcome.job else None
        if isinstance(result, Mapping) and {"session_id", "text"} <= said.keys() and "reply" in result:
            sessions.setdefault(said["session_id"], []).append((said["text"], result["reply"]))
    return [
        Text("\n".join(["", *(f"   customer: {text}\n   bot:      {reply}" for text, reply in turns)]))
        for turns in sessions.values()
        if len(turns) > 1
    ]


def _table(task: str, outcomes: Sequence[Outcome], complaints: Mapping[tuple[str, str], tuple[str, ...]]) -> Table:
    rows = [_row(outcome, complaints[task, outcome.scenario.name]) for outcome in outcomes]
    shown = [n for n, column in enumerate(_COLUMNS) if column not in _SOMETIMES or any(row[n] for row in rows)]
    return table_of([_COLUMNS[n] for n in shown], [[row[n] for n in shown] for row in rows], title=f"\n{task}")


def _row(outcome: Outcome, complaints: Sequence[str]) -> tuple[str | Text, ...]:
    job = outcome.job
    remarks = [*(_remarks(job) if job else ()), *(complaints if outcome.is_over else ())]
    return (
        mark_of(is_over=outcome.is_over, complaints=complaints),
        "\n".join((outcome.scenario.name, *remarks)),
        outcome.scenario.send.upper(),
        state_text(outcome.end),
        str(job.attempts) if job else "",
        duration_text(job.queue_wait_ms) if job else "",
        duration_text(job.run_ms) if job else "",
        _calls(job.calls) if job else "",
        _cost(job) if job else "",
    )


def _remarks(job: JobView) -> list[str]:
    """What is worth a line below the scenario's name."""
    return [f"failover from {', '.join(call.failed_over_from)}" for call in job.calls[-1:] if call.failed_over_from]


def _calls(calls: Sequence[CallView]) -> str:
    """How many were made, and who gave the answer; or that none was."""
    if not calls:
        return ""
    made = sum(not call.is_free for call in calls)
    return "cached" if calls[-1].is_cached and not made else f"{made} {calls[-1].provider}"


def _cost(job: JobView) -> str:
    return cost_text(job.cost_usd) or ("$0" if job.calls else "")


def mark_of(*, is_over: bool, complaints: Sequence[str]) -> Text:
    """Whether something went as expected, in a sign."""
    return Text("·", "dim") if not is_over else Text("✗", "red") if complaints else Text("✓", "green")


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
