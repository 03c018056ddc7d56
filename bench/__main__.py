"""`python -m bench`: measures, prints, writes bench/results.json and the figures in bench/README.md."""

from typing import Annotated

import typer
from rich.console import Console

from bench import report, results
from bench.figures import Figure, Verdict
from bench.run import Run
from bench.suite import NAMES, UnknownFigureError, chosen

MISSED, USAGE = 1, 2


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds: enough to see that nothing broke.")] = False,  # noqa: FBT002
    only: Annotated[str | None, typer.Option("--only", metavar="NAME", help=f"One of: {', '.join(NAMES)}.")] = None,
) -> None:
    """Measure. Ends with 1 when a figure misses its bound, 2 when there is no figure of that name."""
    console = Console()
    try:
        benchmarks = list(chosen(only))
    except UnknownFigureError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(USAGE) from error
    figures: list[Figure] = []
    for benchmark in benchmarks:
        measured = benchmark.measure(Run(quick, console))
        results.write(measured, results.Setting.here(quick=quick))
        figures += measured
    report.write_readme(results.read())
    console.print(report.table(figures))
    for figure in figures:
        if figure.verdict is Verdict.MISSED:
            missed = f"{figure.name} is {report.number(figure.value)}, and must be {figure.bound}."
            console.print(missed, style="bold red", markup=False)
    raise typer.Exit(MISSED if any(figure.verdict is Verdict.MISSED for figure in figures) else 0)


if __name__ == "__main__":
    typer.run(main)
