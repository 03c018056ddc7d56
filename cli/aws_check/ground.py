"""The stage that is checked, as every check sees it: its API, its AWS clients, and tenants of this run only."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from cli.api import Api, Refused
from cli.problems import ExitCode, Problem
from cli.target import Target
from cli.views import JobView

T = TypeVar("T")

STORY_TASK = "enhance-story"
SLOW_TASK = "obey"
"""From tests/tasks: waits as long as it is told, and calls no model."""

_BATCH = 100
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Ran:
    """A job that is over, with its times in UTC."""

    job: JobView
    started: datetime
    finished: datetime

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Ran":
        """From the API's answer."""
        started, finished = (datetime.fromisoformat(document[name]) for name in ("started_at", "finished_at"))
        return cls(JobView.of(document), started, finished)


@dataclass(frozen=True, slots=True)
class Ground:
    """One stage, during one run."""

    target: Target
    api: Api
    tasks: frozenset[str]
    """The tasks that are deployed."""
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:6])
    """Tells this run's jobs from all others."""

    @property
    def stage(self) -> str:
        """The stage's name."""
        return self.target.outputs["Stage"]

    @property
    def function_prefix(self) -> str:
        """What the names of this stage's functions start with."""
        return f"backstay-{self.stage}-"

    def client(self, service: str) -> Any:
        """An AWS client under the credentials of whoever runs this."""
        # Loopback must not go through a proxy that the environment names.
        config = Config(proxies={}) if self.target.is_local else None
        return boto3.client(service, config=config)  # type: ignore[call-overload]

    def tenant(self, name: str) -> str:
        """A tenant that nobody but this run has."""
        return f"aws-check-{self.run}-{name}"

    def story(self, number: int, words: int = 40) -> dict[str, Any]:
        """A story for the task enhance-story; each number is another one."""
        content = " ".join(["A revolutionary chip will change everything, its makers say."] * (words // 9 + 1))
        return {"id": f"aws-check-{self.run}-{number}", "title": f"Chip {number}", "content": content}

    def submit(self, task: str, work: Mapping[str, Any], tenant: str, **options: Any) -> dict[str, Any]:
        """Submit one job."""
        return self.api.post("/api/jobs", {"task": task, "input": work, "tenant": tenant, **options})

    def submit_many(self, task: str, works: Sequence[Mapping[str, Any]], tenant: str) -> None:
        """Submit jobs in as few requests as possible.

        Raises:
            Problem: one of them was refused.
        """
        bodies = [{"task": task, "input": work, "tenant": tenant} for work in works]
        for start in range(0, len(bodies), _BATCH):
            answers = self.api.post("/api/jobs/batch", {"jobs": bodies[start : start + _BATCH]})["answers"]
            if refused := [answer for answer in answers if answer["status"] >= 300]:
                raise Problem(f"a job was refused: {refused[0]}", "see what it says")

    def wait_for(self, tenant: str, count: int, within_s: float) -> list[Ran]:
        """A tenant's jobs, once so many are over.

        Raises:
            Problem: they are not, within that time.
        """

        def look() -> list[Ran]:
            found = [document for document in self.api.jobs(2 * count, tenant=tenant) if JobView.of(document).is_over]
            return [Ran.of(document) for document in found] if len(found) >= count else []

        if over := eventually(look, within_s):
            return over
        raise Problem(f"not all of {count} jobs of {tenant} were over after {within_s:.0f} s", "see: backstay jobs ls")

    def wait_for_job(self, job_id: str, within_s: float) -> JobView | None:
        """A job, once it is over, or as it stands at last; None when there is none."""
        eventually(lambda: (job := self.job(job_id)) is not None and job.is_over, within_s)
        return self.job(job_id)

    def job(self, job_id: str) -> JobView | None:
        """A job as it stands; None while there is none."""
        try:
            return JobView.of(self.api.get(f"/api/jobs/{job_id}"))
        except Refused as refused:
            if refused.code is ExitCode.NOT_FOUND:
                return None
            raise


def eventually(look: Callable[[], T], within_s: float) -> T:
    """What `look` sees as soon as it is something, or at last."""
    deadline = time.monotonic() + within_s
    while not (seen := look()) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
    return seen
