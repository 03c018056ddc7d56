"""The figures of the web page."""

import gzip

from bench.figures import Verdict
from bench.page import Shown, size_of, update_of


def test_the_update_is_the_median_of_all_jobs_that_ended() -> None:
    figure = update_of(Shown(delays_s=[0.5, 3.0, 1.0], frames=10, seconds=10.0))
    assert (figure.value, figure.verdict) == (1.0, Verdict.MET)
    assert {part.name: part.value for part in figure.parts}["jobs that ended, a second"] == 0.3


def test_a_page_that_is_slower_than_two_seconds_or_larger_than_150_kb_misses_its_bound() -> None:
    assert update_of(Shown(delays_s=[2.5], frames=1, seconds=1.0)).verdict is Verdict.MISSED
    noise = bytes(number * number % 251 * number % 256 for number in range(400_000))
    assert size_of({"main.js": noise}).value * 1000 == len(gzip.compress(noise, 9, mtime=0))
    assert size_of({"main.js": b"x" * 400_000}).verdict is Verdict.MET
