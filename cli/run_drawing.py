"""A saga's run as it is drawn at the terminal."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cli.output import cost_text, duration_text, state_text, table_of
from cli.run_views import RunView, StepView

_MARKS = {
    "completed": "✓", "approved": "✓", "received": "✓", "failed": "✗", "rejected": "✗", "timed_out": "✗",
    "active": "▶", "waiting": "…", "delayed": "…", "pending": "·", "skipped": "-", "cancelled": "-",
}  # fmt: skip

_STANDING = {
    "in_doubt": "may have had its effect, and has no undo: look after it",
    "undo_failed": "is not undone: its effect stands",
}

_NEXT = {
    "waiting_for_approval": "let it go on: backstay saga approve {id}, or reject",
    "failed": "go on from the step that failed: backstay saga redrive {id}",
    "compensation_failed": "mend what hinders the undo, then: backstay saga redrive {id}",
    "compensated": "do it anew: backstay saga redrive {id}",
}
"""What a person may do about a run, by its state."""


def drawing_of(run: RunView) -> Group:
    """A run as a person sees it: what it is, and its steps."""
    head = Text(run.id, style="bold") + Text(f"  {run.saga}  ") + state_text(run.state) + Text(f"  {run.why}")
    parts: list[Text | Table] = [head]
    if run.steps:
        columns = ("", "step", "state", "attempts", "run", "cost", "undo", "why")
        parts.append(table_of(columns, [_step_row(step) for step in run.steps]))
    details = [
        ("took", duration_text(run.duration_ms)),
        ("cost", cost_text(run.cost_usd)),
        ("undone", ", ".join(run.undone)),
        ("anew as", run.redriven_as),
    ]
    foot = "; ".join(f"{name} {text}" for name, text in details if text)
    warnings = [f"stuck: {run.stuck}"] if run.stuck else []
    warnings += [f"{step} {_STANDING.get(why, why)}" for step, why in run.standing.items()]
    if run.saga_has_changed:
        warnings.append(f"saga {run.saga} has changed since this run was started; these are the steps as they were")
    lines = [Text(line, style="yellow") for line in warnings]
    if (hint := _NEXT.get(run.state)) and not run.redriven_as:
        lines.append(Text(hint.format(id=run.id), style="bright_black"))
    return Group(*parts, *([Text(foot)] if foot else []), *lines)


def _step_row(step: StepView) -> tuple[str | Text, ...]:
    return (
        "↶" if step.is_undone else _MARKS.get(step.state, ""),
        step.name,
        state_text(step.state),
        str(step.attempts or ""),
        duration_text(step.run_ms),
        cost_text(step.cost_usd),
        state_text(step.undo_state) if step.undo_state else "",
        step.why,
    )
