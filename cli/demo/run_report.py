"""The demo's tables of sagas' runs, while they go on and at their end."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.demo.report import mark_of
from cli.demo.runs import RunOutcome, judge_run
from cli.output import cost_text, duration_text, state_text, table_of

_DONE = frozenset({"completed", "approved", "received"})


def render_runs(outcomes: Sequence[RunOutcome]) -> RenderableType:
    """A table for every saga; what isn't over yet shows where it stands."""
    sagas = dict.fromkeys(outcome.saga for outcome in outcomes)
    return Group(*(_table(saga, [one for one in outcomes if one.saga == saga]) for saga in sagas))


def cost_of_runs(outcomes: Sequence[RunOutcome]) -> Decimal:
    """What all runs cost together; one that several scenarios share costs once."""
    costs = {outcome.run.id: outcome.run.cost_usd or Decimal(0) for outcome in outcomes if outcome.run}
    return sum(costs.values(), Decimal(0))


def runs_to_json(outcomes: Sequence[RunOutcome]) -> list[dict[str, Any]]:
    """The runs for a program."""
    return [
        {
            "saga": outcome.saga,
            "name": outcome.scenario.name,
            "end": outcome.end,
            "run_id": outcome.run.id if outcome.run else None,
            "undone": outcome.run.undone if outcome.run else (),
            "complaints": judge_run(outcome),
        }
        for outcome in outcomes
    ]


def _table(saga: str, outcomes: Sequence[RunOutcome]) -> Table:
    columns = ("", "scenario", "end", "steps", "undone", "took", "cost")
    return table_of(columns, [_row(outcome) for outcome in outcomes], title=f"\nsaga {saga}")


def _row(outcome: RunOutcome) -> tuple[str | Text, ...]:
    run, complaints = outcome.run, judge_run(outcome) if outcome.is_over else ()
    steps = [step.name for step in run.steps if step.state in _DONE] if run else []
    return (
        mark_of(is_over=outcome.is_over, complaints=complaints),
        "\n".join((outcome.scenario.name, *complaints)),
        state_text(outcome.end),
        ", ".join(steps),
        ", ".join(run.undone) if run else "",
        duration_text(run.duration_ms) if run else "",
        cost_text(run.cost_usd) if run else "",
    )
