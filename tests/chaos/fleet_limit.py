"""500 callers in eight processes against a provider's limits, counted by the provider."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from backstay import llm
from backstay.errors import ErrorClass, WorkError
from backstay.running import Job, current_job
from bench.figures import Figure, Part
from bench.loopback import loopback
from bench.run import Run
from tests.chaos.gate import Mode, Passage, gate
from tests.contract import fleet

WINDOW_S, REQUESTS, TOKENS = 60.0, 100, 10_000
WINDOWS = 2
CALLERS_EACH = 63
CONFIG = """
[providers.primary]
kind = "compatible"
base_url = "{url}/v1"
concurrency = 100
[providers.primary.limits]
requests_per_minute = {requests}
tokens_per_minute = {tokens}
[routes]
default = ["primary/small"]
[prices."primary/small"]
input = 1
output = 1
"""


@dataclass(frozen=True, slots=True)
class Callers:
    """Callers of `llm.complete` that come back when they are told to."""

    lasts_s: float

    def __call__(self, starts_at: float, callers: int) -> list[fleet.Call]:
        """Call until the time is over."""
        ends_at = starts_at + self.lasts_s

        def keep_calling(number: int) -> list[fleet.Call]:
            calls = []
            while time.time() < ends_at:
                current_job.set(Job(priority="high" if number % 2 else "normal"))
                try:
                    llm.complete(f"Question {number}?", cache=False, max_output_tokens=40)
                except WorkError as error:
                    if error.failure.error_class is not ErrorClass.RATE_EXCEEDED:
                        raise
                    time.sleep(max(0, min(error.failure.retry_after_s or 1, ends_at - time.time())))
                else:
                    calls.append(fleet.Call(time.time(), time.time()))
            return calls

        with ThreadPoolExecutor(callers) as threads:
            return [call for calls in threads.map(keep_calling, range(callers)) for call in calls]


def run(run: Run) -> list[Figure]:
    """At true scale: windows of a minute."""
    with gate() as provider, loopback(CONFIG.format(url=provider.url, requests=REQUESTS, tokens=TOKENS)) as servers:
        provider.mode = Mode.ANSWER
        with run.console.status(f"{8 * CALLERS_EACH} callers for {WINDOWS} windows of {WINDOW_S:.0f} s"):
            work = Callers(WINDOWS * WINDOW_S + 1)
            seen = fleet.run(work, servers.variables, callers=CALLERS_EACH, processes=8)
        return figures(provider.passages, sum(process.writes for process in seen))


def figures(passages: Sequence[Passage], writes: int) -> list[Figure]:
    """What the provider saw."""
    calls = [fleet.Call(passage.arrived, passage.ended or passage.arrived, tokens=40) for passage in passages]
    begin = min(call.arrived for call in calls)
    used = sum(call.arrived < begin + WINDOWS * WINDOW_S for call in calls)
    tokens = fleet.busiest(calls, WINDOW_S, lambda call: call.tokens)
    return [
        Figure(
            "limit_max_in_window", fleet.busiest(calls, WINDOW_S), "requests",
            f"The most that the provider got in any sliding {WINDOW_S:.0f} s.", at_most=REQUESTS,
            parts=(Part("tokens, the most in any window", tokens, f"of {TOKENS}"),),
        ),
        Figure(
            "limit_used_fraction", used / (WINDOWS * REQUESTS), "of the limit",
            f"Requests that were made within {WINDOWS} windows.", at_least=0.95,
            parts=(Part("of the tokens", tokens / TOKENS, "requests are the tighter limit"),),
        ),
        Figure(
            "limit_guard_writes_per_call", writes / len(calls), "writes",
            "To the guards table, refused ones counted.", parts=(Part("writes", writes), Part("calls", len(calls))),
            note="Eight processes share a hundred permits a minute, about twelve each; `make bench` has full batches.",
        ),
    ]  # fmt: skip
