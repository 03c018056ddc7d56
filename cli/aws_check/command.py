"""`backstay aws-check`: tells what it will cost, asks, runs the checks, and shows what came of them."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from cli.aws_check import costs
from cli.aws_check.finding import Finding, Verdict, all_hold
from cli.aws_check.ground import Ground
from cli.aws_check.prices import price_of_stories
from cli.aws_check.run import Check, checks, run, standing_on
from cli.output import console, notes, print_json, progress_line, table_of
from cli.problems import ExitCode, Problem
from cli.target import Session

_STYLES = {Verdict.PROVED: "green", Verdict.REFUTED: "bold red", Verdict.NOT_SHOWN: "yellow"}


def add_to(app: typer.Typer) -> None:
    """Add this command; `make aws-check` is its front door."""
    app.command("aws-check", hidden=True)(aws_check)


def aws_check(
    context: typer.Context,
    only: Annotated[list[str] | None, typer.Option(help="Only this check; may be repeated.")] = None,
    noisy: Annotated[int, typer.Option(min=20, max=1_000, help="Jobs of the noisy tenant.")] = 200,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before it starts.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with JSON.")] = False,
) -> None:
    """Check on a deployed stage what the emulator can't show. It costs a little, and says so first."""
    session: Session = context.obj
    chosen = _chosen(only or (), noisy)
    with standing_on(session.target) as ground:
        _agree(ground, [check.name for check in chosen], noisy, yes=yes)
        with progress_line("aws-check") as tell:
            findings = list(run(ground, chosen, tell))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _show(findings)
    raise typer.Exit(ExitCode.OK if all_hold(findings) else ExitCode.FAILED)


def _chosen(only: Collection[str], noisy: int) -> tuple[Check, ...]:
    every = checks(noisy)
    if unknown := sorted(set(only) - {check.name for check in every}):
        names = ", ".join(check.name for check in every)
        raise Problem(f"there is no check {', '.join(unknown)}", f"choose from: {names}", ExitCode.USAGE)
    return tuple(check for check in every if not only or check.name in only)


def _agree(ground: Ground, names: Collection[str], noisy: int, *, yes: bool) -> None:
    """Tell the costs, and ask."""
    if ground.target.is_local:
        notes.print("the embedded cloud shows that the checks work, nothing of AWS; it costs nothing", soft_wrap=True)
        return
    price = price_of_stories(ground.api.get("/api/stats")["providers"])
    notes.print(f"on {ground.target.name}:")
    for line in costs.told(costs.estimate(names, noisy, ground.tasks, price), price):
        notes.print(f"  {line}", soft_wrap=True)
    if not yes and not typer.confirm("Go on?", err=True):
        raise Problem("nothing was sent", "", ExitCode.INTERRUPTED)


def _show(findings: Sequence[Finding]) -> None:
    rows = [(f.check, f.says, Text(f.verdict, style=_STYLES[f.verdict]), f.measured) for f in findings]
    console.print(table_of(("check", "property", "verdict", "measured"), rows))
