"""The table beside others': every cell is a part that its figure really has."""

from bench.bare_function import Span
from bench.beside_litellm import KINDS, Start, Tried, imports, overhead
from bench.compared import COLUMNS, ROWS, compared
from bench.overhead import figures
from bench.throughput import throughput

SOME = Start(1.0, 1.0, 1.0)
TRIED = {kind: [Tried(SOME, SOME, float(at + 1))] for at, kind in enumerate(KINDS)}
MEASURED = [overhead(TRIED), imports(TRIED), throughput(9, [(Span(0, 9), Span(0, 9))]), *figures([2.0], [1.0])]


def test_every_cell_is_a_part_of_its_figure() -> None:
    parts = {figure.name: {part.name for part in figure.parts} for figure in MEASURED}
    for row in ROWS:
        assert set(row.parts) <= set(COLUMNS)
        assert set(row.parts.values()) <= parts[row.figure]


def test_what_was_not_measured_is_left_out_and_what_nobody_has_is_empty() -> None:
    ((what, values),) = compared([throughput(9, [(Span(0, 9_000), Span(0, 4_500))])])
    assert "queue" in what
    assert values == [1.0, None, None, 2.0, None]
