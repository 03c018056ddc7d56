"""Wakes jobs, portion by portion, for as long as there is money for them."""

import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

from backstay import config
from backstay.budgets.periods import Window
from backstay.budgets.standing import Standing
from backstay.catalog import Catalog
from backstay.clock import Clock, utc_now
from backstay.config import Config
from backstay.errors import GoesOn
from backstay.jobs.parked import ParkedJobs
from backstay.jobs.store import JobStore
from backstay.running import Job
from backstay.settings import Environment

from .task import RaisedLimit, Waking

CHECKPOINT = "checkpoint"
"""Part of the waking job itself in the jobs table."""

LATE_S = 75.0
"""A job that was refused before the limit was raised is parked later, once its other routes have failed too."""

_CHUNK = 25
"""Jobs between two looks at what is left: those woken have begun to spend by then."""
_MARGIN_S = 10.0
_KEPT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where it stands; kept beside its job between portions."""

    woken: int = 0
    position: str | None = None
    for_late_ones: bool = False
    """Whether it is looking for those that were parked since."""


class Waker:
    """Does the work of the jobs of `wake-parked-jobs`."""

    def __init__(self, env: Environment, settings: Config, catalog: Catalog, clock: Clock = utc_now) -> None:
        self._parked, self._store = ParkedJobs(env, catalog, clock), JobStore(env.jobs_table)
        self._standing, self._clock = Standing(settings.budgets, env.guards_table, clock), clock

    @classmethod
    def of_this_function(cls) -> "Waker":
        """With the environment and the tasks of the Lambda that this runs in."""
        return cls(Environment.read(), config.load(), Catalog(Path(os.environ["LAMBDA_TASK_ROOT"])))

    def wake(self, raised: RaisedLimit, job: Job) -> Waking:
        """Wake one portion.

        Raises:
            GoesOn: there are more, or there may be late ones.
        """
        kept = self._store.get_text(job.id, CHECKPOINT)
        progress = Progress(**json.loads(kept)) if kept else Progress()
        late_from = job.submitted_at + timedelta(seconds=LATE_S)
        before = late_from if progress.for_late_ones else job.submitted_at
        while job.remaining_s > _MARGIN_S:
            if not self._has_money(raised):
                return Waking(woken=progress.woken, used_up_again=True)
            portion = self._parked.wake(f"{raised.scope} {raised.window}", before, progress.position, _CHUNK)
            progress = replace(progress, woken=progress.woken + portion.jobs, position=portion.position)
            if portion.position is None and progress.for_late_ones:
                return Waking(woken=progress.woken, used_up_again=False)
            if portion.position is None:
                self._keep(job, replace(progress, for_late_ones=True))
                wait_s = (late_from - self._clock()).total_seconds()
                raise GoesOn(f"{progress.woken} jobs go on; late ones may follow", after_s=max(1.0, wait_s))
            self._keep(job, progress)
        raise GoesOn(f"{progress.woken} jobs go on", after_s=1)

    def _keep(self, job: Job, progress: Progress) -> None:
        self._store.put_text(job.id, CHECKPOINT, json.dumps(asdict(progress)), self._clock() + _KEPT)

    def _has_money(self, raised: RaisedLimit) -> bool:
        account = self._standing.read([raised.scope])[0].accounts[Window(raised.window)]
        return not account.is_hard or account.left > 0
