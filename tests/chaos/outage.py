"""A provider that is down for a minute while jobs come in: failing at once, and then hanging."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bench.figures import Figure, Part
from bench.run import Run
from tests.chaos.gate import Gate, Mode, gate
from tests.chaos.ground import Json, answered_by, ground, wait_for_all
from tests.e2e.stack import Stack

OUTAGE_S, AT_ONCE, BACK_WITHIN_S = 60.0, 20, 40
RESET_S, THRESHOLD = 15, 5
CONFIG = """
[providers.primary]
kind = "compatible"
base_url = "{url}/v1"
timeout_s = 3
[providers.primary.breaker]
failure_threshold = {threshold}
reset_timeout_s = {reset_s}
[providers.secondary]
kind = "openai"
secret = "provider/secondary"
[routes]
default = ["primary/small", "secondary/gpt-5.6-luna"]
[prices."primary/small"]
input = 1
output = 1
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one outage came to."""

    how: str
    jobs: tuple[Json, ...]
    """That came in while the provider was down."""
    calls: int
    """That reached it meanwhile."""
    in_flight: int
    """Of these, under way when its breaker opened."""
    is_back: bool
    """Whether it was used again afterwards."""

    @property
    def allowed(self) -> int:
        """Of calls (spec: resilience, circuit breaker)."""
        return THRESHOLD + self.in_flight + math.ceil(OUTAGE_S / RESET_S)

    @property
    def lost(self) -> int:
        """Jobs that no model has answered."""
        return sum(answered_by(job) is None for job in self.jobs)

    @property
    def attempts_used(self) -> int:
        """By the outage: what a job took beyond the one that completed it."""
        return sum(max(0, job["attempts"] - 1) for job in self.jobs)


def run(run: Run) -> list[Figure]:
    """Both kinds of outage, one after the other."""
    seen = []
    with gate() as primary:
        config = CONFIG.format(url=primary.url, threshold=THRESHOLD, reset_s=RESET_S)
        with ground(run, config) as stack:
            primary.target = stack.cloud.llm_url
            for mode in (Mode.FAIL, Mode.HANG):
                with run.progress(f"primary {mode.value}s", round(OUTAGE_S)) as step:
                    seen.append(_outage(stack, primary, mode, step))
    return figures(seen)


def figures(outages: Sequence[Seen]) -> list[Figure]:
    """The worse of each."""
    worst = max(outages, key=lambda seen: seen.calls - seen.allowed)

    def parts(values: Iterable[float]) -> tuple[Part, ...]:
        return tuple(Part(f"primary {seen.how}s", value) for seen, value in zip(outages, values, strict=True))

    return [
        Figure(
            "outage_lost", sum(seen.lost for seen in outages), "jobs",
            f"Jobs of a {OUTAGE_S:.0f} s outage that no model answered.", at_most=0,
            parts=parts(seen.lost for seen in outages),
        ),
        Figure(
            "outage_primary_calls", worst.calls, "calls", "Calls that reached the provider while it was down.",
            at_most=worst.allowed, parts=parts(seen.calls for seen in outages),
        ),
        Figure(
            "outage_primary_calls_allowed", worst.allowed, "calls",
            "Threshold, calls in flight when the breaker opened, and one probe a reset.",
            parts=parts(seen.allowed for seen in outages),
        ),
        Figure(
            "outage_attempts_used", sum(seen.attempts_used for seen in outages), "attempts",
            "Attempts that jobs used up for the outage.", at_most=0,
            parts=parts(seen.attempts_used for seen in outages),
        ),
        Figure(
            "outage_primary_back", sum(seen.is_back for seen in outages), "outages",
            f"After how many of {len(outages)} the provider was used again by itself.", at_least=len(outages),
        ),
    ]  # fmt: skip


def _outage(stack: Stack, primary: Gate, mode: Mode, step: Callable[[], None]) -> Seen:
    first = [_submit(stack, f"before it {mode.value}s", number) for number in range(3)]
    before = wait_for_all(stack, first, 60, lambda: None)
    if any(answered_by(job) != "primary" for job in before.values()):
        raise RuntimeError("the primary was not used before it went down, so that nothing can be measured")
    primary.mode, began = mode, time.time()
    during = [_submit(stack, f"while it {mode.value}s", number) for number in range(AT_ONCE)]
    while time.time() < began + OUTAGE_S:
        step()
        time.sleep(1)
        during.append(_submit(stack, f"while it {mode.value}s", len(during)))
    opened = _opened_at(stack, began)
    primary.mode, ended = Mode.PASS, time.time()
    jobs = wait_for_all(stack, during, 90, lambda: None)
    calls = primary.between(began, ended)
    # Those that ended between the failure that opens a breaker and its being open were in flight when it opened.
    last_counted = sorted(call.ended or ended for call in calls)[THRESHOLD - 1]
    in_flight = sum(call.arrived <= opened and (call.ended or ended) > min(opened, last_counted) for call in calls)
    return Seen(mode.value, tuple(jobs.values()), len(calls), in_flight, _comes_back(stack, mode))


def _opened_at(stack: Stack, began: float) -> float:
    """When the primary's breaker opened first after this time; both seconds since 1970."""
    breaker = next(one for one in stack.get("/api/breakers")["breakers"] if one["name"] == "provider:primary")
    opened = [datetime.fromisoformat(one["at"]).timestamp() for one in breaker["transitions"] if one["after"] == "open"]
    return next(at for at in opened if at >= began)


def _comes_back(stack: Stack, mode: Mode) -> bool:
    ends_at = time.monotonic() + BACK_WITHIN_S
    number = 0
    while time.monotonic() < ends_at:
        number += 1
        if answered_by(stack.wait(_submit(stack, f"after it {mode.value}s", number))) == "primary":
            return True
    return False


def _submit(stack: Stack, when: str, number: int) -> str:
    story = {
        "id": f"{when}-{number}".replace(" ", "-"),
        "title": "Something happened",
        "content": f"This is story {number} of those that came {when}.",
        "sector_tag": "ai",
        "impact_tags": [],
    }
    job_id: str = stack.submit("enhance-story", story)["id"]
    return job_id
