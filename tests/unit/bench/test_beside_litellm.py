"""Backstay beside LiteLLM: shares are taken round by round, and of what is added."""

import pytest

from bench.beside_litellm import KINDS, Start, Tried, imports, overhead
from bench.figures import Verdict
from bench.litellm_environment import version

NOTHING = Start(0.0, 0.0, 0.0)


def calls(*rounds: tuple[float, float, float, float]) -> dict[str, list[Tried]]:
    """Milliseconds of each kind, by round."""
    return {kind: [Tried(NOTHING, NOTHING, times[at]) for times in rounds] for at, kind in enumerate(KINDS)}


def test_overhead_is_what_each_adds_to_raw_http() -> None:
    figure = overhead(calls((1.0, 1.5, 2.0, 5.0), (2.0, 2.5, 4.0, 6.0), (1.0, 1.5, 1.5, 3.0)))
    assert figure.value == pytest.approx(0.25)
    assert [part.value for part in figure.parts] == [1.0, 1.5, 2.0, 5.0]
    assert figure.verdict is Verdict.MET


def test_imports_are_compared_in_cpu_and_told_up_to_the_first_answer_too() -> None:
    ours = Tried(Start(9.0, 0.3, 60.0), Start(9.0, 1.5, 110.0), 1.0)
    theirs = Tried(Start(1.0, 3.0, 200.0), Start(1.0, 3.0, 250.0), 1.0)
    figure = imports({"backstay": [ours], "sdk": [ours], "litellm": [theirs]})
    assert figure.value == pytest.approx(0.1)
    parts = {part.name: part.value for part in figure.parts}
    assert parts["worker, first answer, peak MB"] == 110.0
    assert parts["up to the first answer, times"] == pytest.approx(0.5)


def test_which_litellm_is_measured_is_pinned() -> None:
    assert version().count(".") == 2
