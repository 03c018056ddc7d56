"""Throughput beside a bare handler's, from what both queues took."""

import pytest

from bench.bare_function import Span
from bench.figures import Verdict
from bench.throughput import memory, span_of, throughput


def test_a_run_lasts_from_its_first_start_to_its_last_finish() -> None:
    jobs = [
        {"started_at": "2026-11-25T10:00:01Z", "finished_at": "2026-11-25T10:00:09Z"},
        {"started_at": "2026-11-25T10:00:00Z", "finished_at": "2026-11-25T10:00:03Z"},
    ]
    assert span_of(jobs).seconds == 9.0


def test_throughput_is_a_share_of_the_bare_handler_s() -> None:
    figure = throughput(500, [(Span(0, 30_000), Span(0, 24_000)), (Span(0, 30_000), Span(0, 24_000))])
    assert figure.value == pytest.approx(0.8)
    assert figure.verdict is Verdict.MET
    assert figure.parts[0].value == pytest.approx(500 / 30)


def test_memory_is_that_of_the_largest_process() -> None:
    assert memory([110.0, 131.0]).verdict is Verdict.MISSED
