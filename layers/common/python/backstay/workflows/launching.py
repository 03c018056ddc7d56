"""Begins the execution that a run's record asks for: the first, or one that goes on from what was done."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from backstay.clock import Clock, utc_now
from backstay.jobs.payloads import MissingPayloadError
from backstay.jobs.record import IllegalMoveError, JobRecord, State
from backstay.jobs.results import Results
from backstay.jobs.step import Direction, job_of_step
from backstay.jobs.step_jobs import StepJobs
from backstay.jobs.store import JobStore, LostLeaseError
from backstay.jobs.task_tokens import facts_of
from backstay.settings import Environment
from backstay.workflows.catalog import Sagas
from backstay.workflows.executions import Executions
from backstay.workflows.kept_plans import KeptPlans, SagaChangedError, lost_steps
from backstay.workflows.plan import SagaPlan, StepPlan
from backstay.workflows.run import Mode, RunRecord
from backstay.workflows.run_inputs import RunInputs
from backstay.workflows.run_store import RunStore
from backstay.workflows.waits import WAIT_PARTS, answer_in

_UNDONE_ANEW = frozenset({State.FAILED, State.CANCELLED})

Entries = dict[str, dict[str, Any]]


class Launcher:
    """Begins executions. Safe to repeat: what has begun is left alone."""

    def __init__(self, env: Environment, sagas: Sagas, clock: Clock = utc_now) -> None:
        self._sagas, self._plans = sagas, KeptPlans(env.workflows_table, sagas)
        self._executions, self._inputs = Executions(env), RunInputs(env)
        self._jobs, self._results, self._step_jobs = JobStore(env.jobs_table), Results(env), StepJobs(env, clock)
        self._runs = RunStore(env.workflows_table)

    def check(self, record: RunRecord) -> None:
        """See to it that today's saga, by which an execution goes on, does what the run needs of it.

        Args:
            record: as it is to be when the execution begins.

        Raises:
            UnknownSagaError: its saga is no longer deployed.
            SagaChangedError: names the steps that are gone or done otherwise.
        """
        today, kept = self._sagas.get(record.saga), self._plans.of(record)
        if kept is None or kept.version == today.version:
            return
        if lost := lost_steps(kept, today, self._concerned(record, kept)):
            raise SagaChangedError(record, lost)

    def launch(self, record: RunRecord) -> None:
        """Begin the execution that counts; the one before it is stopped if it still goes on.

        Raises:
            UnknownSagaError: its saga is no longer deployed.
            SagaChangedError: its saga has changed since, so that the execution can't go on from what was done.
            MissingPayloadError: what the run was started with is past its retention.
        """
        plan = self._sagas.get(record.saga)
        if record.execution > 1:
            if self._executions.find(record):
                return  # jobs must not be made to run anew a second time
            self.check(record)
            if record.mode is Mode.ABORT:
                self._executions.stop(record, record.execution - 1, "called off")
        self._executions.start(record, self._state(record, plan))

    def _state(self, record: RunRecord, plan: SagaPlan) -> dict[str, Any]:
        """What the execution knows: ids and facts. Payloads never travel through states."""
        state: dict[str, Any] = {
            "run_id": record.id,
            "tenant": record.tenant,
            "execution": record.execution,
            "mode": str(record.mode),
            "pre_approved": record.pre_approved,
            "facts": facts_of(self._inputs.get(record.id), plan.facts) if plan.facts else {},
            "steps": self._entries(record, plan) if record.execution > 1 else {},
        }
        if record.mode is Mode.UNDO and record.is_called_off:
            state["rejected"] = True
        if record.mode is not Mode.DO:
            error, cause = record.first_failure or ("aborted", "")
            state["failure"] = {"Error": error, "Cause": cause or "called off"}
        return state

    def _concerned(self, record: RunRecord, kept: SagaPlan) -> Collection[str]:
        """The steps that an execution takes as done, or undoes."""
        if record.mode is Mode.UNDO:
            return self._still_to_undo(record, kept)
        jobs = self._jobs_of(record, kept, Direction.DO)
        if record.mode is Mode.ABORT:
            return jobs.keys()
        return [name for name, job in jobs.items() if job.state is State.COMPLETED] + list(self._answered(record, kept))

    def _entries(self, record: RunRecord, plan: SagaPlan) -> Entries:
        """The steps that count as done, by name."""
        if record.mode is Mode.UNDO:
            return self._undone_anew(record, plan)
        jobs = self._jobs_of(record, plan, Direction.DO)
        done = {
            step.name: {"job_id": job.id, "facts": self._facts(job, step)}
            for step in plan.steps
            if (job := jobs.get(step.name)) and job.state is State.COMPLETED
        }
        if record.mode is Mode.DO:
            for job in jobs.values():
                self._let_run_anew(job)
            done |= self._answered(record, plan)
        return done

    def _undone_anew(self, record: RunRecord, plan: SagaPlan) -> Entries:
        names = self._still_to_undo(record, self._plans.of(record) or plan)
        jobs, undos = self._jobs_of(record, plan, Direction.DO), self._jobs_of(record, plan, Direction.UNDO)
        for name in names:
            if undo := undos.get(name):
                self._let_run_anew(undo)
        return {name: {"job_id": jobs[name].id if name in jobs else None, "facts": {}} for name in names}

    def _still_to_undo(self, record: RunRecord, plan: SagaPlan) -> list[str]:
        """Steps whose undoing failed, or never began."""
        jobs, undos = self._jobs_of(record, plan, Direction.DO), self._jobs_of(record, plan, Direction.UNDO)
        names: list[str] = []
        for step in plan.steps:
            job, undo = jobs.get(step.name), undos.get(step.name)
            had_effect = job is not None and (job.state is State.COMPLETED or job.uncertain)
            if step.undo and (undo.state is not State.COMPLETED if undo else had_effect):
                names.append(step.name)
        return names

    def _answered(self, record: RunRecord, plan: SagaPlan) -> Entries:
        """Steps that waited and needn't again."""
        parts = self._runs.get_parts(record.id, WAIT_PARTS, f"{WAIT_PARTS}~")
        return {
            step.name: {"event": step.event, "facts": {}}
            for step in plan.steps
            if step.event and (answer := answer_in(parts.get(WAIT_PARTS + step.event))) and answer.is_consent
        }

    def _let_run_anew(self, job: JobRecord) -> None:
        if job.state not in _UNDONE_ANEW:
            return
        try:
            self._step_jobs.repeat(job)
        except (IllegalMoveError, LostLeaseError):
            return  # somebody else has let it, a moment ago

    def _jobs_of(self, record: RunRecord, plan: SagaPlan, direction: Direction) -> Mapping[str, JobRecord]:
        """The jobs of a run's steps that are on record, by step."""
        tasks = {
            step.name: task
            for step in plan.steps
            if (task := step.undo if direction is Direction.UNDO else step.task) is not None
        }
        ids = {job_of_step(record.id, name, task, direction): name for name, task in tasks.items()}
        return {ids[job.id]: job for job in self._jobs.get_many(ids)}

    def _facts(self, job: JobRecord, step: StepPlan) -> dict[str, Any]:
        if not step.facts:
            return {}
        try:
            return facts_of(json.loads(self._results.text(job) or "{}"), step.facts)
        except MissingPayloadError:
            return facts_of({}, step.facts)
