"""`python -m tests.chaos`: does the worst, prints what came of it, writes .backstay/chaos.json."""

from typing import Annotated

import typer
from rich.console import Console

from bench import report, results
from bench.figures import Figure, Verdict
from bench.run import Run
from cli.local.state import DEFAULT_STATE
from tests.chaos.suite import CASES, UnknownCaseError, chosen

RESULTS = DEFAULT_STATE / "chaos.json"
MISSED, USAGE = 1, 2


def main(
    only: Annotated[str | None, typer.Option("--only", metavar="CASE", help=f"One of: {', '.join(CASES)}.")] = None,
) -> None:
    """Do it. Ends with 1 when a bound is not kept, 2 when there is no case of that name."""
    console = Console()
    try:
        cases = chosen(only)
    except UnknownCaseError as error:
        console.print(f"[red]{error}[/]")
        raise typer.Exit(USAGE) from error
    figures: list[Figure] = []
    for name, case in cases.items():
        console.print(f"[bold]{name}[/]: {case.about}")
        found = case.run(Run(quick=False, console=console))
        RESULTS.parent.mkdir(exist_ok=True)
        results.write(found, results.Setting.here(quick=False), RESULTS)
        figures += found
    console.print(report.table(figures))
    missed = [figure for figure in figures if figure.verdict is Verdict.MISSED]
    for figure in missed:
        parts = "".join(f"\n  {part.name}: {report.number(part.value)} {part.how}" for part in figure.parts)
        console.print(
            f"[bold red]{figure.name} is {report.number(figure.value)}, and must be {figure.bound}.[/]{parts}"
        )
    raise typer.Exit(MISSED if missed else 0)


if __name__ == "__main__":
    typer.run(main)
