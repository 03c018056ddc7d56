"""Figures, their verdicts, and the file that keeps them."""

import json
from pathlib import Path

import pytest

from bench import report, results, suite
from bench.figures import Figure, Part, Verdict, itemised
from bench.results import Setting

SETTING = Setting("2026-11-25T04:00:00+00:00", "3.14.0", "Linux x86_64", 2, quick=False)


@pytest.mark.parametrize(
    ("value", "bounds", "verdict"),
    [
        (2.0, {"at_most": 2.0}, Verdict.MET),
        (2.01, {"at_most": 2.0}, Verdict.MISSED),
        (8.0, {"at_least": 8.0}, Verdict.MET),
        (7.9, {"at_least": 8.0}, Verdict.MISSED),
        (7.9, {}, Verdict.REPORTED),
    ],
)
def test_a_figure_is_judged_by_its_bound(value: float, bounds: dict[str, float], verdict: Verdict) -> None:
    assert Figure("f", value, "s", "What it says.", **bounds).verdict is verdict  # type: ignore[arg-type]


def test_an_itemised_figure_is_the_sum_of_its_parts() -> None:
    assert itemised("f", "USD", "A sum.", (Part("a", 1.5), Part("b", 2.0)), at_most=3.0).value == 3.5


def test_a_run_replaces_what_it_measured_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.write([Figure("a", 1.0, "s", "First."), Figure("b", 2.0, "s", "Second.")], SETTING, path)
    results.write([Figure("a", 3.0, "s", "First.", at_most=2.0, parts=(Part("p", 3.0),))], SETTING, path)

    content = json.loads(path.read_text())
    assert (content["a"], content["b"]) == (3.0, 2.0)
    assert content["details"]["a"]["verdict"] == "missed"
    assert [(figure.name, figure.value, figure.parts) for figure, _ in results.read(path)] == [
        ("a", 3.0, (Part("p", 3.0),)),
        ("b", 2.0, ()),
    ]


def test_the_page_gets_its_figures_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write_readme([(Figure("a", 1.25, "s", "First.", at_most=2.0), SETTING)], page)
    text = page.read_text()
    assert "| `a` | 1.25 | s | ≤ 2 | met |" in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith(f"{report.END}\nafter\n")


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("nothing here\n")
    with pytest.raises(ValueError, match="needs the lines"):
        report.write_readme([], page)
    assert page.read_text() == "nothing here\n"


def test_a_figure_is_chosen_by_its_name() -> None:
    assert [benchmark.names for benchmark in suite.chosen("batch_speedup")] == [("batch_speedup",)]
    with pytest.raises(suite.UnknownFigureError, match="batch_speedup"):
        list(suite.chosen("speed"))
