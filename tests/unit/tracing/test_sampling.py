"""Who is traced."""

from backstay.tracing.context import TraceContext
from backstay.tracing.sampling import SAMPLE_VARIABLE, Sampling

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ASKED, HEADER = f"00-{TRACE}-{SPAN}-01", f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={SPAN};Sampled=1"
RUNS = [f"default.launch.{number}" for number in range(4000)]


def test_nothing_is_traced_where_tracing_is_off_whoever_asks() -> None:
    off = Sampling.read({})
    assert off.of_request(ASKED) is off.of_message(HEADER) is off.of_run("run") is None
    assert Sampling.read({SAMPLE_VARIABLE: "0"}).of_request(ASKED) is None


def test_whoever_asks_is_traced_and_of_the_others_the_part_that_the_setting_names() -> None:
    unlucky = Sampling.read({SAMPLE_VARIABLE: "0.001"})
    unlucky = Sampling(unlucky.part, lambda: 0.5)
    assert unlucky.of_request(ASKED) == unlucky.of_message(HEADER) == TraceContext(TRACE, SPAN)
    assert unlucky.of_request(None) is unlucky.of_message(None) is None
    assert Sampling(0.001, lambda: 0.0009).of_request(None) is not None


def test_all_steps_of_a_run_share_its_trace() -> None:
    assert Sampling(1).of_run("run") == Sampling(1).of_run("run") != Sampling(1).of_run("another")


def test_as_many_runs_are_traced_as_the_setting_says() -> None:
    traced = sum(Sampling(0.1).of_run(run) is not None for run in RUNS)
    assert 0.07 < traced / len(RUNS) < 0.13
