"""Figures for people: a table on the terminal, and the same in bench/README.md, written from results.json."""

from collections.abc import Iterable
from pathlib import Path

from rich.table import Table
from rich.text import Text

from bench.compared import COLUMNS, compared
from bench.figures import Figure, Verdict
from bench.results import Setting

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- figures: written by python -m bench -->", "<!-- /figures -->"
_COLOURS = {Verdict.MET: "green", Verdict.MISSED: "bold red", Verdict.REPORTED: "dim"}


def table(figures: Iterable[Figure]) -> Table:
    """One row a figure."""
    drawn = Table(title="Figures", title_justify="left")
    for heading in ("figure", "value", "unit", "bound", "verdict"):
        drawn.add_column(heading, justify="right" if heading == "value" else "left")
    for figure in figures:
        verdict = figure.verdict
        drawn.add_row(figure.name, number(figure.value), figure.unit, _bound(figure), Text(verdict, _COLOURS[verdict]))
    return drawn


def markdown(on_file: Iterable[tuple[Figure, Setting]]) -> str:
    """A table of all figures, one of them beside others', and one of the parts of each figure that has any."""
    known = list(on_file)
    lines = ["| figure | value | unit | bound | verdict |", "|---|---:|---|---|---|"]
    lines += [
        f"| `{figure.name}` | {number(figure.value)} | {figure.unit} | {_bound(figure)} | {figure.verdict} |"
        for figure, _ in known
    ]
    lines += ["", *_beside(figure for figure, _ in known)]
    for figure, setting in known:
        lines += ["", f"### `{figure.name}`", "", f"{figure.meaning} {figure.note}".rstrip()]
        if figure.parts:
            lines += ["", f"| part | {figure.unit} | how |", "|---|---:|---|"]
            lines += [f"| {part.name} | {number(part.value)} | {part.how} |" for part in figure.parts]
        lines += ["", _measured(setting)]
    return "\n".join(lines)


def _beside(figures: Iterable[Figure]) -> list[str]:
    lines = ["### Side by side", "", f"| | {' | '.join(COLUMNS)} |", f"|---|{'---:|' * len(COLUMNS)}"]
    for what, values in compared(figures):
        cells = ("" if value is None else number(value) for value in values)
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return lines


def write_readme(on_file: Iterable[tuple[Figure, Setting]], path: Path = README) -> None:
    """Put the figures between the marks in the page.

    Raises:
        ValueError: the page has lost its marks.
    """
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} needs the lines {BEGIN!r} and {END!r}; the figures stand between them")
    path.write_text(f"{before}{BEGIN}\n{markdown(on_file)}\n{END}{after}", encoding="utf-8")


def number(value: float) -> str:
    """Short, and with what matters of small values."""
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.4f}"


def _bound(figure: Figure) -> str:
    aim = f", aim {figure.aim:g}" if figure.aim is not None else ""
    return figure.bound + aim


def _measured(setting: Setting) -> str:
    how = "a quick run" if setting.quick else "a full run"
    return f"_{setting.measured_at}, {how} on {setting.machine}, {setting.cores} cores, Python {setting.python}._"
