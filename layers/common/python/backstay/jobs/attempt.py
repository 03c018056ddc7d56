"""Runs the task's function for a claimed job and settles how it ended. `retry` decides; this carries it out."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel, ValidationError

from backstay.catalog import AnyTask
from backstay.clock import Clock
from backstay.errors import ErrorClass, Failure, WorkError
from backstay.jobs.admission import Run, Settled
from backstay.jobs.endings import Endings
from backstay.jobs.queues import Queues
from backstay.jobs.record import JobRecord
from backstay.jobs.retry import GiveUp, ParkUntil, RetryAfter, decide_retry
from backstay.jobs.store import JobStore, LostLeaseError
from backstay.jobs.time_limit import TimeLimit
from backstay.passing_trouble import passing_trouble
from backstay.receipt import Receipt
from backstay.running import CallLog, Cancelled, Job, current_job
from backstay.settings import Environment
from backstay.telemetry import Metric, logger

CALL_PART = "call#"
_PROGRESS_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of the task's function ended: with an output, or with a failure, or cancelled."""

    job: Job
    output: BaseModel | None = None
    failure: Failure | None = None
    cancelled: bool = False


class Attempts:
    """Runs and settles the claimed jobs of one task."""

    def __init__(self, env: Environment, task: AnyTask, endings: Endings, clock: Clock) -> None:
        self._task, self._endings, self._clock = task, endings, clock
        self._store, self._queues = JobStore(env.jobs_table), Queues(env, clock)

    def job_of(self, run: Run, limit: TimeLimit, metrics: Callable[[Metric], None]) -> Job:
        """What the task's function sees of its job.

        Args:
            run: the claimed job.
            limit: on its time; hears of its progress.
            metrics: takes what the task measures.
        """
        record = run.record
        return Job(
            id=record.id,
            task=record.task,
            tenant=record.tenant,
            attempt=record.attempts,
            priority=record.priority,
            key_id=record.key_id,
            model_use=self._task.model_use,
            submitted_at=record.created_at,
            deadline=limit.deadline,
            report_progress=_Throttled(self._store, record, limit.heard).report,
            record_metric=metrics,
            run_id=record.step.run_id if record.step else None,
            step=record.step.name if record.step else None,
            call_log=self._call_log(record),
        )

    def perform(self, run: Run, job: Job) -> Ended:
        """Run the task's function. Everything that it raises becomes a failure of some class."""
        token = current_job.set(job)
        try:
            work = self._task.read_input(run.work, run.version)
            output = self._task.perform(work, job)
            return Ended(job, output=self._task.output.model_validate(output))
        except Cancelled:
            return Ended(job, cancelled=True)
        except WorkError as error:
            return Ended(job, failure=error.failure)
        except ValidationError as error:
            return Ended(job, failure=_invalid(error, self._task))
        except Exception as error:  # noqa: BLE001 - a task may raise anything; all of it is the job's own failure
            logger().warning("task raised", exc_info=True)
            return Ended(job, failure=Failure(ErrorClass.TASK_ERROR, f"{type(error).__name__}: {error}"))
        finally:
            current_job.reset(token)

    def settle(self, run: Run, ended: Ended) -> Settled:
        """Record how the run ended, and do what follows."""
        try:
            return self._settle(run, ended)
        except LostLeaseError:
            return self._settle_lost(run, _receipt(run.record, ended.job))

    def _settle(self, run: Run, ended: Ended) -> Settled:
        receipt = _receipt(run.record, ended.job)
        if ended.cancelled:
            return self._settle_lost(run, receipt)
        if ended.output is not None:
            self._endings.complete(run.record, ended.output, receipt)
            return Settled(acknowledge=True, outcome="completed")
        if ended.failure is None:
            raise AssertionError("a run ends with an output, a failure, or cancelled")
        return self._settle_failure(run, ended.job, ended.failure, receipt)

    def _settle_failure(self, run: Run, job: Job, failure: Failure, receipt: Receipt) -> Settled:
        now = self._clock()
        match decide_retry(failure, run.record, self._task.limits, now, random.random()):  # noqa: S311 - jitter
            case RetryAfter(delay_s):
                due = now + timedelta(seconds=delay_s)
                self._store.save(run.record, run.record.to_retry(now, due, failure, receipt))
                self._queues.hide(run.envelope.queue, run.envelope.receipt_handle, delay_s)
                return Settled(acknowledge=False, outcome="retried")
            case ParkUntil(due):
                _keep_answers(job)
                parked = run.record.parked(now, due, failure, receipt)
                self._store.save(run.record, parked)
                self._queues.send(self._task, parked, run.message.body())
                return Settled(acknowledge=True, outcome="parked")
            case GiveUp(final):
                if (output := self._fall_back(run, job, final)) is not None:
                    self._endings.complete(run.record, output, receipt)
                    return Settled(acknowledge=True, outcome="completed")
                self._endings.fail(run.record, final, receipt)
                return Settled(acknowledge=True, outcome="failed")

    def _settle_lost(self, run: Run, receipt: Receipt) -> Settled:
        """Somebody changed the job under this worker: a person who cancelled it, or a worker that took it over."""
        now_stands = self._store.get(run.record.id)
        if now_stands and now_stands.fence == run.record.fence and now_stands.cancel_requested:
            self._endings.cancel(now_stands, receipt)
            return Settled(acknowledge=True, outcome="cancelled")
        logger().info("lease lost; result dropped", fence=run.record.fence)
        return Settled(acknowledge=False, outcome="lost")

    def _fall_back(self, run: Run, job: Job, failure: Failure) -> BaseModel | None:
        token = current_job.set(job)
        try:
            return self._task.fall_back(self._task.read_input(run.work, run.version), failure)
        except Exception:  # noqa: BLE001 - the first failure is the one to record
            logger().warning("fallback raised", exc_info=True)
            return None
        finally:
            current_job.reset(token)

    def _call_log(self, record: JobRecord) -> CallLog:
        def load() -> dict[int, str]:
            if record.fence == 1:
                return {}
            with passing_trouble("the jobs table"):
                kept = self._store.get_texts(record.id, CALL_PART)
            return {int(part.removeprefix(CALL_PART)): text for part, text in kept.items()}

        def save(number: int, answer: str) -> None:
            with passing_trouble("the jobs table"):
                self._store.put_text(record.id, f"{CALL_PART}{number:03d}", answer, self._clock() + timedelta(days=30))

        return CallLog(load, save)


class _Throttled:
    """Progress as often as it is told, stored at most once a second."""

    def __init__(self, store: JobStore, record: JobRecord, heard: Callable[[], None]) -> None:
        self._store, self._record, self._heard, self._next = store, record, heard, 0.0

    def report(self, percent: int, note: str) -> bool:
        self._heard()
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + _PROGRESS_EVERY_S
        try:
            return self._store.report_progress(self._record, percent, note)
        except LostLeaseError as error:
            raise Cancelled(str(error)) from error


def _keep_answers(job: Job) -> None:
    """So that the next run need not pay again for what has nothing to do with the wait."""
    try:
        job.call_log.save()
    except WorkError:
        logger().warning("what the job was answered could not be kept", job_id=job.id, exc_info=True)


def _receipt(record: JobRecord, job: Job) -> Receipt:
    return (record.receipt or Receipt()).followed_by(job.calls)


def _invalid(error: ValidationError, task: AnyTask) -> Failure:
    """A validation error inside the function is the task's own; one of its input or output is named as such."""
    kinds = {task.input.__name__: ErrorClass.INVALID_INPUT, task.output.__name__: ErrorClass.INVALID_OUTPUT}
    findings = "; ".join(
        f"{'.'.join(map(str, finding['loc']))}: {finding['msg']}" for finding in error.errors(include_url=False)
    )
    return Failure(kinds.get(error.title, ErrorClass.TASK_ERROR), f"{error.title}: {findings}")
