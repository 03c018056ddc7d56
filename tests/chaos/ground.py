"""The embedded cloud that chaos comes over: the real app, with a backstay.toml of the case's own."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.embedded import calling, embedded, with_tasks
from bench.run import Run
from cli.local.cloud import Wish
from tests.app import gather
from tests.e2e.stack import TERMINAL, Stack

Json = dict[str, Any]


@contextmanager
def ground(run: Run, config: str, *, with_tests_own: bool = False, and_tasks: Path | None = None) -> Iterator[Stack]:
    """A cloud that is told this, its providers answered by the model server unless they are on this machine already.

    Args:
        run: shows what is going on.
        config: the backstay.toml.
        with_tests_own: whether it has the tests' tasks and sagas beside the app's.
        and_tasks: a folder of tasks that it has beside them.
    """
    with tempfile.TemporaryDirectory(prefix="backstay-chaos-") as folder:
        (file := Path(folder) / "backstay.toml").write_text(config, encoding="utf-8")
        wish = Wish(config=file)
        if with_tests_own:
            functions, sagas = gather(Path(folder) / "app")
            wish = replace(wish, functions=functions, sagas=sagas)
        with with_tasks(wish, *filter(None, [and_tasks])) as wish, embedded(run, wish) as cloud, calling(cloud) as http:
            yield Stack(cloud, http)


def wait_for_all(stack: Stack, job_ids: Sequence[str], seconds: float, step: Callable[[], None]) -> Mapping[str, Json]:
    """The jobs as they ended, or as they stand when the time is over."""
    found: dict[str, Json] = {}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and len(found) < len(job_ids):
        for job_id in job_ids:
            if job_id not in found and (job := stack.job(job_id))["state"] in TERMINAL:
                found[job_id] = job
                step()
        time.sleep(0.5)
    return {job_id: found.get(job_id) or stack.job(job_id) for job_id in job_ids}


def answered_by(job: Json) -> str | None:
    """Which provider gave a job's answer, if any did."""
    calls = (job["receipt"] or {}).get("calls", [])
    return calls[-1]["provider"] if calls and job["state"] == "completed" else None
