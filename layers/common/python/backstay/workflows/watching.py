"""Looks after runs: executions that never began, ends that nobody told, waits that lapsed, and what is stuck."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from backstay.clock import Clock, utc_now
from backstay.errors import BackstayError
from backstay.jobs.record import JobRecord
from backstay.jobs.step import Direction, job_of_step
from backstay.jobs.store import JobStore
from backstay.settings import Environment
from backstay.workflows.catalog import Sagas
from backstay.workflows.executions import Executions
from backstay.workflows.kept_plans import KeptPlans
from backstay.workflows.launching import Launcher
from backstay.workflows.plan import SagaPlan
from backstay.workflows.run import RunRecord, RunState
from backstay.workflows.run_queries import RunQueries
from backstay.workflows.run_store import RunStore, StaleRunError
from backstay.workflows.status_events import StatusEvents
from backstay.workflows.stuck import QUIET_FOR, has_gone_quiet, what_is_stuck
from backstay.workflows.waits import Waits

_PAGE = 50
_WAITING = (RunState.WAITING_FOR_APPROVAL, RunState.WAITING_FOR_SIGNAL)


@dataclass
class Round:
    """What one look over all runs came to."""

    looked_at: int = 0
    stuck: list[RunRecord] = field(default_factory=list)
    """Those of which nobody had been told."""
    troubles: dict[str, str] = field(default_factory=dict)
    """By run; the next round looks at each again."""
    is_cut_short: bool = False


class Watcher:
    """Looks. All of it may be repeated.

    Args:
        env: what the stack tells.
        sagas: those that are deployed.
        events: takes in how executions stand.
        tell: tells people of a run that is stuck.
        clock: UTC.
    """

    def __init__(
        self,
        env: Environment,
        sagas: Sagas,
        events: StatusEvents,
        tell: Callable[[RunRecord], None],
        clock: Clock = utc_now,
    ) -> None:
        self._plans = KeptPlans(env.workflows_table, sagas)
        self._sagas, self._events, self._tell, self._clock = sagas, events, tell, clock
        self._runs, self._queries = RunStore(env.workflows_table), RunQueries(env, sagas)
        self._executions, self._launcher = Executions(env), Launcher(env, sagas, clock)
        self._waits, self._jobs = Waits(env.workflows_table, clock), JobStore(env.jobs_table)

    def look(self, is_out_of_time: Callable[[], bool]) -> Round:
        """Look once over all runs that nothing has happened to for a while; one's trouble doesn't hinder others."""
        done = Round()
        for plan in self._sagas:
            for record in self._overdue(plan):
                if is_out_of_time():
                    done.is_cut_short = True
                    return done
                done.looked_at += 1
                try:
                    self._look_at(record, self._plans.of(record) or plan, done)
                except StaleRunError:
                    continue  # it has just gone on
                except (BackstayError, BotoCoreError, ClientError) as error:
                    done.troubles[record.id] = f"{type(error).__name__}: {error}"
        return done

    def _overdue(self, plan: SagaPlan) -> Iterator[RunRecord]:
        now = self._clock()
        for state in _WAITING:
            yield from self._oldest(plan.name, state, now)  # what waits stands where its wait is over
        yield from self._oldest(plan.name, RunState.RUNNING, now - QUIET_FOR)

    def _oldest(self, saga: str, state: RunState, until: datetime) -> Iterator[RunRecord]:
        after: str | None = None
        while True:
            found, after = self._queries.oldest(saga, state, until, after, _PAGE)
            yield from found
            if after is None:
                return

    def _look_at(self, record: RunRecord, plan: SagaPlan, done: Round) -> None:
        if record.state in _WAITING:
            self._runs.change(record.id, lambda now_stands: now_stands.wait_lapsed(self._clock()))
            return
        if record.confirmed < record.execution:
            self._launcher.launch(record)  # whoever was to begin it may have died before
        jobs = self._jobs_of(record, plan)
        stuck = what_is_stuck(record, plan, jobs, self._clock())
        if stuck or has_gone_quiet(record, jobs, self._clock()):
            asked = self._ask(record)
            if asked != record:
                return  # there was news; the next round looks at what came of it
        seen = record.seen_stuck(stuck)
        if seen != record:
            seen = self._runs.save(record, seen)
        if seen.stuck and not seen.stuck.is_told:
            self._tell(seen)
            done.stuck.append(self._runs.save(seen, seen.told_stuck()))

    def _ask(self, record: RunRecord) -> RunRecord | None:
        """Ask Step Functions itself, since events may be lost; answers the run as it stands then."""
        if record.wait and record.wait.is_answered:
            self._waits.release(record.id, record.wait.event)  # whoever answered may have died before telling
        found = self._executions.find(record)
        return self._events.take_in(record.id, record.execution, found) if found else record

    def _jobs_of(self, record: RunRecord, plan: SagaPlan) -> list[JobRecord]:
        return self._jobs.get_many(
            job_of_step(record.id, step.name, task, direction)
            for step in plan.steps
            for direction, task in ((Direction.DO, step.task), (Direction.UNDO, step.undo))
            if task
        )
