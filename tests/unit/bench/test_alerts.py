"""How soon people hear: what is reckoned of what was heard."""

from bench.alerts import Heard, has_come, latency_of
from bench.faults import Alarming


def test_the_figure_is_the_median_and_names_the_slowest() -> None:
    heard = [Heard("a.slow", 9, is_real=False), Heard("a.quick", 1, is_real=True), Heard("a.middling", 2, is_real=True)]
    figure = latency_of(heard)
    assert figure.value == 2
    assert [(part.name, part.value) for part in figure.parts] == [("a.quick", 1), ("a.middling", 2), ("a.slow", 9)]
    assert "a.slow, 9.0 s" in figure.note


def test_a_message_is_about_what_its_headline_names() -> None:
    alarming = Alarming("worker.dead_letter", "call-http")
    assert has_come(alarming, ["CRITICAL worker.dead_letter: call-http: Messages lie there"])
    assert not has_come(alarming, ["CRITICAL worker.dead_letter: obey: Messages lie there"])
