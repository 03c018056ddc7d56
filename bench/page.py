"""How soon the page shows that a job is over, and how much of it travels to a browser."""

import gzip
import itertools
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

import httpx
from websockets.sync.client import connect

from bench.cloud import BENCH_TASKS
from bench.embedded import calling, embedded, with_tasks
from bench.figures import Figure, Part
from bench.run import Run
from cli.local.cloud import Wish
from cli.local.state import LocalCloud
from infra.build import BuildDirectory
from infra.page import build_page

NAMES = ("page_update_s", "page_kb_compressed")
UPDATE_BOUND_S, SIZE_BOUND_KB = 2, 150
TASK, JOBS_A_SECOND, BATCH = "do-nothing", 50, 10
_LISTED = 100
_SETTLES_S = 8.0
"""Functions start, and a new socket becomes known everywhere."""


class UntoldError(Exception):
    """No change was told."""


@dataclass(slots=True)
class Shown:
    """What the page has come to show."""

    delays_s: list[float] = field(default_factory=list)
    """From each job's end on."""
    frames: int = 0
    seconds: float = 0.0


def measure(run: Run) -> list[Figure]:
    """Watch while jobs run, as the page does; and bundle the page."""
    seconds = 10.0 if run.quick else 30.0
    with (
        with_tasks(Wish(), BENCH_TASKS) as wish,
        embedded(run, wish) as cloud,
        calling(cloud) as http,
        run.progress("the page", 2) as step,
    ):
        with _jobs_running(cloud, http):
            shown = watch(cloud, http, seconds)
        step()
        files = {file.name: file.read_bytes() for file in build_page(BuildDirectory()).iterdir()}
        step()
    return [update_of(shown), size_of(files)]


def watch(cloud: LocalCloud, http: httpx.Client, seconds: float) -> Shown:
    """Hold a socket open below the page's name, and with each frame ask for the list of jobs that the page asks for.

    Raises:
        UntoldError: no frame came, or none with a job's end.
    """
    page, shown, seen = cloud.dashboard_url.rstrip("/"), Shown(), set[str]()
    ticket = http.post(f"{page}/api/tickets").raise_for_status().json()["ticket"]
    query = {"task": TASK, "state": "completed", "limit": str(_LISTED)}
    with connect(f"{page.replace('http', 'ws', 1)}/live?ticket={ticket}", proxy=None) as socket:
        begun = time.time() + _SETTLES_S
        while time.time() < begun + seconds:
            if not _tells_of_jobs(socket.recv(seconds)):
                continue
            jobs = http.get(f"{page}/api/jobs", params=query).raise_for_status().json()["jobs"]
            now, fresh = time.time(), [job for job in jobs if job["id"] not in seen]
            seen.update(job["id"] for job in fresh)
            ends = [datetime.fromisoformat(job["finished_at"]).timestamp() for job in fresh]
            shown.frames += now >= begun
            shown.delays_s += [now - end for end in ends if end >= begun]
    shown.seconds = seconds
    if not shown.delays_s:
        raise UntoldError("no frame told of a job's end")
    return shown


def update_of(shown: Shown) -> Figure:
    """The median over all jobs that ended meanwhile."""
    times = sorted(shown.delays_s)
    return Figure(
        "page_update_s", median(times), "s",
        "From a job's end to the list of jobs that shows it: told over the socket below the page's name, then asked "
        f"for as the page asks. Embedded cloud, {JOBS_A_SECOND} jobs a second submitted; the median over jobs.",
        at_most=UPDATE_BOUND_S,
        parts=(
            Part("95th percentile, s", times[int(0.95 * (len(times) - 1))]),
            Part("jobs that ended, a second", len(times) / shown.seconds),
            Part("frames a second", shown.frames / shown.seconds, "one at most"),
        ),
        note="Without drawing, which takes a browser milliseconds. On AWS the stream gathers for 2 s first, which "
        "saves writes, so that a change takes about a second longer.",
    )  # fmt: skip


def size_of(files: dict[str, bytes]) -> Figure:
    """What a browser loads, as CloudFront sends it."""
    sizes = {name: len(gzip.compress(content, 9, mtime=0)) / 1000 for name, content in sorted(files.items())}
    return Figure(
        "page_kb_compressed", sum(sizes.values()), "kB",
        "All files of the web page, each compressed by gzip.",
        at_most=SIZE_BOUND_KB,
        parts=tuple(Part(name, size) for name, size in sizes.items()),
    )  # fmt: skip


def _tells_of_jobs(frame: str | bytes) -> bool:
    return bool(json.loads(frame).get("jobs"))


@contextmanager
def _jobs_running(cloud: LocalCloud, http: httpx.Client) -> Iterator[None]:
    """So many jobs are submitted each second, in batches."""
    over = threading.Event()

    def send() -> None:
        due = time.monotonic()
        for number in itertools.count():
            due += BATCH / JOBS_A_SECOND
            if over.wait(max(0.0, due - time.monotonic())):
                return
            http.post(f"{cloud.api_url}/api/jobs/batch", json={"jobs": _batch(number)}).raise_for_status()

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()


def _batch(number: int) -> Sequence[dict[str, object]]:
    return [{"task": TASK, "input": {"content": ""}, "idempotency_key": f"{number}-{place}"} for place in range(BATCH)]
