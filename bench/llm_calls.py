"""What `llm.complete` adds to a call of the SDK in time, and what it spares where all ask the same."""

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import anthropic

from backstay import llm
from backstay.budgets.batch import batch
from backstay.errors import ErrorClass, WorkError
from backstay.llm.use import ModelUse
from backstay.running import Job, current_job
from bench.figures import Figure, Part
from bench.loopback import Loopback, loopback
from bench.run import Run
from bench.work import text_of

NAMES = ("llm_overhead_ms", "llm_overhead_ratio", "identical_jobs_calls")
MODEL = "claude-haiku-5-5"
_WARM_UPS, _CALLS = 15, 25
_PROCESSES, _JOBS_EACH = 4, 25


def measure(run: Run) -> list[Figure]:
    """All of them on one pair of servers."""
    rounds = 3 if run.quick else 7
    with run.progress("llm.complete", rounds + 1) as step, loopback() as servers:
        ours, bare = _alternating(servers, rounds, step)
        calls = _calls_for_identical(servers)
        step()
    return [*overhead_figures(ours, bare), _identical(calls)]


def overhead_figures(ours: Sequence[float], bare: Sequence[float]) -> list[Figure]:
    """The figures of both kinds' rounds: each round's median, in milliseconds of wall time a call."""
    parts = (Part("llm.complete, ms", median(ours)), Part("bare SDK, ms", median(bare)))
    pairs = list(zip(ours, bare, strict=True))
    return [
        Figure(
            "llm_overhead_ms", median(mine - theirs for mine, theirs in pairs), "ms",
            "What `llm.complete` adds to a call of the bare SDK: guards on and warm, no cache, inside a job.",
            at_most=2.4, parts=parts, note="Wall time, one call after another; a busy machine shows.",
        ),
        Figure(
            "llm_overhead_ratio", median(mine / theirs for mine, theirs in pairs), "times",
            "The same as a ratio: it depends on how fast the server answers.", parts=parts,
        ),
    ]  # fmt: skip


def _identical(calls: int) -> Figure:
    return Figure(
        "identical_jobs_calls", calls, "calls",
        f"Calls of the provider for {_PROCESSES * _JOBS_EACH} identical jobs at once in {_PROCESSES} processes.",
        at_most=1,
    )  # fmt: skip


def _alternating(servers: Loopback, rounds: int, step: Callable[[], None]) -> tuple[list[float], list[float]]:
    client = anthropic.Anthropic(api_key="bench", base_url=f"{servers.llm_url}/anthropic", max_retries=0)

    def bare(text: str) -> None:
        client.messages.create(model=MODEL, max_tokens=1024, messages=[{"role": "user", "content": text}], timeout=60)

    def ours(text: str) -> None:
        llm.complete(text, cache=False)

    _in_a_job(lambda: _milliseconds(ours, _WARM_UPS))
    _milliseconds(bare, _WARM_UPS)
    mine, theirs = [], []
    for _ in range(rounds):
        with batch.of(1):
            mine.append(_in_a_job(lambda: _milliseconds(ours, _CALLS)))
        theirs.append(_milliseconds(bare, _CALLS))
        step()
    return mine, theirs


def _milliseconds(call: Callable[[str], None], calls: int) -> float:
    """The median of one call."""
    took = []
    for number in range(calls):
        text = text_of(number)
        began = time.perf_counter()
        call(text)
        took.append(1000 * (time.perf_counter() - began))
    return median(took)


def _calls_for_identical(servers: Loopback) -> int:
    before = servers.asked()
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(_PROCESSES)
    arguments = (servers.variables, together)
    children = [spawn.Process(target=ask_the_same, args=arguments) for _ in range(_PROCESSES)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    if any(child.exitcode for child in children):
        raise RuntimeError("a process of identical jobs failed, so that nothing was measured")
    return servers.asked() - before


def ask_the_same(variables: Mapping[str, str], together: Any) -> None:
    """One process of jobs that all ask the same; each comes back when it is told to, as its queue would bring it."""
    os.environ.clear()
    os.environ.update(variables)
    together.wait()
    with ThreadPoolExecutor(_JOBS_EACH) as threads:
        list(threads.map(lambda _: _in_a_job(_ask_until_answered, ModelUse()), range(_JOBS_EACH)))


def _ask_until_answered() -> None:
    while True:
        try:
            llm.complete("What do all of them want to know?")
        except WorkError as error:
            if error.failure.error_class is not ErrorClass.ANSWER_PENDING:
                raise
            time.sleep(error.failure.retry_after_s or 0.1)
        else:
            return


def _in_a_job(work: Callable[[], Any], model_use: ModelUse | None = None) -> Any:
    job = Job(model_use=model_use) if model_use else Job()
    token = current_job.set(job)
    try:
        return work()
    finally:
        current_job.reset(token)
