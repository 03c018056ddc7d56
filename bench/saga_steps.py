"""What a saga adds to a job, and how little travels in its states: on the embedded cloud, through the API."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.cloud import BENCH_TASKS
from bench.embedded import calling, embedded, history_of, with_tasks
from bench.figures import Figure, Part
from bench.run import Run
from cli.local.cloud import Wish
from cli.local.state import LocalCloud

NAMES = ("saga_step_ratio", "saga_max_state_kb")
RATIO_BOUND, STATE_BOUND_KB = 2, 200
SAGA, TASK, STEPS = "pass-on", "do-nothing", ("one", "two", "three", "four")
PAYLOAD_BYTES = 10_000_000
_SAGAS = Path(__file__).with_name("sagas")
_OVER = frozenset({"completed", "failed", "cancelled", "compensated", "compensation_failed", "aborted"})
_LOOK_EVERY_S, _LONGEST_S = 0.1, 120

Json = dict[str, Any]
Event = Mapping[str, Any]


class NotCompletedError(Exception):
    """What was measured did not go well, so that there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A cloud with the saga."""

    cloud: LocalCloud
    http: httpx.Client

    def run(self, **options: Any) -> tuple[Json, list[Event]]:
        """A run that has completed, and its execution's history."""
        started = self.call("POST", f"/api/sagas/{SAGA}/runs", options)
        run = self._completed(f"/api/runs/{started['id']}")
        return run, history_of(self.cloud, SAGA, run["id"])

    def job_ms(self) -> float:
        """How long the same job takes on its own, from the request that submits it."""
        begun = time.time()
        job = self.call("POST", "/api/jobs", {"task": TASK, "input": {"content": ""}})
        return 1000 * (_seconds(self._completed(f"/api/jobs/{job['id']}")["finished_at"]) - begun)

    def upload(self, document: bytes) -> str:
        """Bring a large input; answers how it is named."""
        place = self.call("POST", "/api/uploads", {"size": len(document)})
        httpx.put(place["url"], content=document, headers=place["headers"], trust_env=False).raise_for_status()
        return str(place["input_ref"])

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """One request that must succeed."""
        answer = self.http.request(method, self.cloud.api_url + path, json=body).raise_for_status()
        document: Json = answer.json()
        return document

    def _completed(self, path: str) -> Json:
        deadline = time.monotonic() + _LONGEST_S
        while (found := self.call("GET", path))["state"] not in _OVER and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_S)
        if found["state"] != "completed":
            raise NotCompletedError(json.dumps(found, indent=2))
        return found


def measure(run: Run) -> list[Figure]:
    """Rounds of one run and as many jobs as it has steps, in turn; then one run with a large payload."""
    rounds = 3 if run.quick else 15
    with (
        with_tasks(Wish(sagas=_SAGAS), BENCH_TASKS) as wish,
        embedded(run, wish) as cloud,
        calling(cloud) as http,
        run.progress("a saga's steps", rounds + 2) as step,
    ):
        bench, measured = Bench(cloud, http), []
        _round(bench)  # starts the functions
        step()
        for _ in range(rounds):
            measured.append(_round(bench))
            step()
        large = _pass_on(bench, PAYLOAD_BYTES)
        step()
    return [ratio_of(measured), largest_state(large)]


def ratio_of(rounds: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """How long a step's state lasts, against how long the job takes on its own."""
    steps, jobs = (median(ms for times in kind for ms in times) for kind in zip(*rounds, strict=True))
    ratios = [median(step) / median(job) for step, job in rounds]
    return Figure(
        "saga_step_ratio", median(ratios), "times",
        f"How long a step's state lasts, entered to exited, with a task that does nothing ({TASK}), against the same "
        "job on its own from POST to completed. Embedded cloud, one at a time; the median of the rounds' ratios.",
        at_most=RATIO_BOUND,
        parts=(Part("a step, ms", steps), Part("a job on its own, ms", jobs)),
        note="A job's end is the moment that its record names, a write before anybody can read it.",
    )  # fmt: skip


def largest_state(history: Sequence[Event]) -> Figure:
    """The largest input or output of any state."""
    sizes = {
        event["id"]: len(details.get("input", details.get("output", "")).encode())
        for event in history
        if (details := event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails"))
    }
    return Figure(
        "saga_max_state_kb", max(sizes.values()) / 1000, "kB",
        f"The largest state of a run whose payload of {PAYLOAD_BYTES / 1_000_000:g} MB, uploaded by a presigned URL, "
        f"passes through all of its {len(STEPS)} steps and comes out as it was.",
        at_most=STATE_BOUND_KB,
        parts=(Part("states entered and exited, number", len(sizes)),),
    )  # fmt: skip


def step_times_ms(history: Sequence[Event]) -> list[float]:
    """How long each step's state lasted."""
    entered, lasted = {}, []
    for event in history:
        if details := event.get("stateEnteredEventDetails"):
            entered[details["name"]] = event["timestamp"]
        elif (details := event.get("stateExitedEventDetails")) and details["name"] in STEPS:
            lasted.append(1000 * (event["timestamp"] - entered[details["name"]]).total_seconds())
    return lasted


def _round(bench: Bench) -> tuple[list[float], list[float]]:
    _, history = bench.run(input={})
    return step_times_ms(history), [bench.job_ms() for _ in STEPS]


def _pass_on(bench: Bench, size: int) -> list[Event]:
    content = hashlib.shake_256(b"a payload that packs badly").hexdigest(size // 2)
    run, history = bench.run(input_ref=bench.upload(json.dumps({"content": content}).encode()))
    link = next(step["output_link"] for step in run["steps"] if step["name"] == STEPS[-1])
    if httpx.get(link, trust_env=False).raise_for_status().json()["content"] != content:
        raise NotCompletedError(f"run {run['id']} has passed on something else than it was given")
    return history


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
