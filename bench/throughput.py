"""How fast a queue of jobs empties beside a bare SQS → Lambda handler's, and what memory a worker takes meanwhile."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from bench.bare_function import LOOK_EVERY_S, BareFunction, NotFinishedError, Span
from bench.cloud import BENCH_TASKS
from bench.embedded import calling, embedded, with_tasks
from bench.figures import Figure, Part
from bench.loopback import NO_LIMIT_REACHED
from bench.run import Run
from bench.slow_model import slow_model
from bench.work import question
from cli.local.cloud import Wish
from cli.local.state import LocalCloud

NAMES = ("throughput_ratio", "worker_memory_mb")
THROUGHPUT_BOUND, MEMORY_BOUND_MB = 0.7, 130
TASK, WEIGHED = "ask-model", "weigh-worker"
MODEL_S = 1.0
WARM_UPS, WEIGHINGS = 40, 60
_A_REQUEST = 100
"""Jobs that `POST /api/jobs/batch` takes."""
_WITHIN_S = 300


@dataclass(frozen=True, slots=True)
class Bench:
    """A cloud with the tasks."""

    cloud: LocalCloud
    http: httpx.Client

    def run(self, task: str, works: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Submit jobs to a task that is paused, let them go, and wait for all.

        Raises:
            NotFinishedError: one was refused, failed, or is not done in time.
        """
        self._call("POST", f"/api/tasks/{task}/pause")
        ids = [
            job_id for at in range(0, len(works), _A_REQUEST) for job_id in self._submit(task, works[at:][:_A_REQUEST])
        ]
        self._call("POST", f"/api/tasks/{task}/resume")
        deadline, done = time.monotonic() + _WITHIN_S, list[dict[str, Any]]()
        while len(done) < len(ids):
            job = self._call("GET", f"/api/jobs/{ids[-1 - len(done)]}")
            if job["state"] == "completed":
                done.append(job)
            elif job["state"] in ("failed", "cancelled") or time.monotonic() > deadline:
                raise NotFinishedError(f"within {_WITHIN_S} s a job did not complete: {job}")
            else:
                time.sleep(LOOK_EVERY_S)
        return done

    def _submit(self, task: str, works: Sequence[dict[str, Any]]) -> Iterator[str]:
        answer = self._call("POST", "/api/jobs/batch", {"jobs": [{"task": task, "input": work} for work in works]})
        for one in answer["answers"]:
            if one["job"] is None:
                raise NotFinishedError(f"a job was refused: {one['problem']}")
            yield one["job"]["id"]

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self.http.request(method, self.cloud.api_url + path, json=body)
        document: dict[str, Any] = answer.raise_for_status().json()
        return document


def measure(run: Run) -> list[Figure]:
    """Both queues once for warming up, then in turn; the machine is the same, and so is what it does beside."""
    jobs, rounds = (100, 1) if run.quick else (500, 2)
    with _bench(run) as (bench, bare), run.progress("throughput", 2 * rounds + 3) as step:
        numbers = iter(range(1_000_000))

        def works(count: int) -> list[dict[str, Any]]:
            return [question(next(numbers)) for _ in range(count)]

        def ours(count: int) -> Span:
            found = span_of(bench.run(TASK, works(count)))
            step()
            return found

        def theirs(count: int) -> Span:
            found = bare.run(works(count), _WITHIN_S)
            step()
            return found

        ours(WARM_UPS), theirs(WARM_UPS)
        spans = [(ours(jobs), theirs(jobs)) for _ in range(rounds)]
        weights = [job["result"]["peak_mb"] for job in bench.run(WEIGHED, works(WEIGHINGS))]
        step()
    return [throughput(jobs, spans), memory(weights)]


@contextmanager
def _bench(run: Run) -> Iterator[tuple[Bench, BareFunction]]:
    with slow_model(MODEL_S) as url, tempfile.TemporaryDirectory() as folder:
        (config := Path(folder) / "backstay.toml").write_text(
            NO_LIMIT_REACHED.replace("{llm_url}", url), encoding="utf-8"
        )
        with (
            with_tasks(Wish(config=config), BENCH_TASKS) as wish,
            embedded(run, wish) as cloud,
            calling(cloud) as http,
        ):
            yield Bench(cloud, http), BareFunction(cloud, TASK, url)


def span_of(jobs: Sequence[dict[str, Any]]) -> Span:
    """From the first start to the last finish of jobs as the API shows them."""
    return Span(min(_ms(job["started_at"]) for job in jobs), max(_ms(job["finished_at"]) for job in jobs))


def _ms(moment: str) -> int:
    return round(1000 * datetime.fromisoformat(moment).timestamp())


def throughput(jobs: int, spans: Sequence[tuple[Span, Span]]) -> Figure:
    """Both queues' speed over all rounds, ours as a share of theirs."""
    ours, theirs = (sum(span.seconds for span in kind) / len(spans) for kind in zip(*spans, strict=True))
    return Figure(
        "throughput_ratio", theirs / ours, "times",
        f"Throughput of a queue of {jobs} jobs, {MODEL_S:g} s each in the model, against a bare handler's that makes "
        "the same two updates and the same call, its batches side by side too.",
        at_least=THROUGHPUT_BOUND,
        parts=(
            Part("Backstay, jobs/s", jobs / ours, f"task {TASK} as declared: two workers with batches of ten"),
            Part("bare handler, jobs/s", jobs / theirs, "Powertools' async batches, boto3, the SDK; nothing is safe"),
            Part("the model alone, jobs/s", 20 / MODEL_S, "20 jobs at once"),
        ),
        note="One embedded cloud for both, same layers, memory, batch size and concurrency; from the first claim to "
        "the last finish. The emulator's table and queue take a core that AWS has for itself.",
    )  # fmt: skip


def memory(peaks_mb: Sequence[float]) -> Figure:
    """The most that any worker's process has taken."""
    return Figure(
        "worker_memory_mb", max(peaks_mb), "MB",
        f"The largest resident set of a worker's process, after {len(peaks_mb)} jobs that each asked a model.",
        at_most=MEMORY_BOUND_MB,
        parts=(Part("the smallest answer, MB", min(peaks_mb), "of a process at its first batch"),),
        note="On the embedded cloud, with one SDK, full batches side by side; without what Lambda's own runtime takes.",
    )  # fmt: skip
