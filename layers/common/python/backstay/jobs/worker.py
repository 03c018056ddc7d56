"""The worker: a batch of messages side by side, each acknowledged or kept on its own."""

import asyncio
import contextvars
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from backstay.budgets.batch import batch as running
from backstay.catalog import AnyTask, Catalog
from backstay.clock import Clock, utc_now
from backstay.jobs.admission import KEEP, Admission, Envelope, Run, Settled, Suspect
from backstay.jobs.attempt import Attempts, Ended
from backstay.jobs.endings import Endings, Retention
from backstay.jobs.queues import Queues
from backstay.jobs.step_admission import NO_SAGAS, StepInputs
from backstay.jobs.strain import MEMORY, Strain
from backstay.jobs.submit import Submitter
from backstay.jobs.time_limit import TimeLimit
from backstay.jobs.traces import attempt_span, context_of, end_of
from backstay.llm.activity import activity
from backstay.llm.call_metrics import call_metrics
from backstay.settings import Environment
from backstay.telemetry import Metric, emit, logger, speaking_of
from backstay.tracing.spans import gathering

P = ParamSpec("P")
R = TypeVar("R")

HAND_BACK_MARGIN_S = 6.0
"""What a worker keeps of its Lambda's time to record how its jobs ended."""

_COUNTED_ELSEWHERE = frozenset({"completed", "failed", "cancelled"})
"""By what follows the jobs table's stream (`JobsToCompleted` and so on); each name of a metric costs by the month."""

TELL_AGAIN_S = 3
"""When a message comes back after AWS did not answer, in seconds; as much later each time."""


class LambdaContext(Protocol):
    """What the worker needs of the Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the Lambda is killed."""


class Worker:
    """Runs one task's messages. Made once a process."""

    def __init__(
        self,
        env: Environment,
        catalog: Catalog,
        task: AnyTask,
        retention: Retention,
        clock: Clock = utc_now,
        step_inputs: StepInputs = NO_SAGAS,
        strain: Strain | None = None,
    ) -> None:
        self._task, self._queues = task, Queues(env, clock)
        self._guards_table, self._clock, self._strain = env.guards_table, clock, strain
        self._runner = asyncio.Runner()  # kept: a job over its time may still report to it in a later invocation
        submitter = Submitter(env, catalog, clock)
        endings = Endings(env, submitter, retention, clock)
        self._admission = Admission(env, task, submitter, endings, step_inputs, clock)
        self._attempts = Attempts(env, task, endings, clock)

    def handle(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Run an SQS event's messages; answers which of them stay in the queue."""
        batch = _Batch(self._task, self._admission, self._attempts, self._queues, event["Records"], context)
        with running.of(len(event["Records"])):
            kept = self._runner.run(batch.run())
        emit(batch.metrics, {"Task": self._task.name})
        call_metrics.emit()
        self._add_activity()
        self._tell_of_strain()
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in kept]}

    def _tell_of_strain(self) -> None:
        """People are told where the process has needed too much for long."""
        for found in self._strain.too_much() if self._strain else ():
            from backstay.alerts.reporting import report

            what = "memory" if found.rule == MEMORY else "processor, which grows with memory"
            text = f"A worker of task {self._task.name} has used {found.percent:.0f} % of its {what}"
            report(found.rule, self._task.name, f"{text} for {found.minutes} minutes: raise the task's memory_mb")

    def _add_activity(self) -> None:
        """Tell what providers did, for many jobs in one write. Not worth failing a batch that is settled."""
        try:
            activity.add_if_due(self._guards_table, self._clock())
        except (BotoCoreError, ClientError):
            logger().warning("what providers did could not be counted", exc_info=True)


class _Batch:
    """One invocation."""

    def __init__(
        self,
        task: AnyTask,
        admission: Admission,
        attempts: Attempts,
        queues: Queues,
        records: list[dict[str, Any]],
        context: LambdaContext,
    ) -> None:
        self._task, self._admission, self._attempts, self._queues = task, admission, attempts, queues
        self._records = records
        self._ends = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - HAND_BACK_MARGIN_S
        self.metrics: list[Metric] = []
        self._threads = ThreadPoolExecutor(max_workers=2 * len(records))  # a job over its time keeps its thread
        self._in_company = len(records)
        self._alone = asyncio.Lock()
        self._company_done = asyncio.Event()

    async def run(self) -> list[str]:
        """The ids of the messages that stay in their queue."""
        acknowledged = await asyncio.gather(*map(self._attend, self._records))
        self._threads.shutdown(wait=False)
        return [record["messageId"] for record, done in zip(self._records, acknowledged, strict=True) if not done]

    async def _attend(self, record: dict[str, Any]) -> bool:
        with speaking_of(message_id=record["messageId"]):
            return await self._attended(record)

    async def _attended(self, record: dict[str, Any]) -> bool:
        try:
            return (await self._settled(record)).acknowledge
        except (BotoCoreError, ClientError):
            logger().exception("AWS did not answer; message not settled")
            await self._in_thread(self._return_soon, record)
            return False
        except Exception:  # noqa: BLE001 - whatever befalls one message must not cost its neighbours
            # The message comes back when its visibility ends, and a claimed job with it when its lease does.
            logger().exception("message not settled")
            return False

    def _return_soon(self, record: Mapping[str, Any]) -> None:
        """Of a job that is over only the telling may be missing, which needn't wait until the visibility ends.

        One whose end could not be written holds its lease still, and is hidden until then by whoever gets it next.
        """
        receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
        wait_s = min(self._task.limits.lease_s, TELL_AGAIN_S * receives)
        try:
            self._queues.hide(self._queues.name_of(record["eventSourceARN"]), record["receiptHandle"], wait_s)
        except (BotoCoreError, ClientError):
            logger().warning("it comes back when its visibility ends", exc_info=True)

    async def _settled(self, record: dict[str, Any]) -> Settled:
        envelope = Envelope.of(record, self._queues.name_of(record["eventSourceARN"]))
        outcome: Run | Suspect | Settled
        try:
            outcome = await self._in_thread(self._admit, envelope)
            if isinstance(outcome, Run):
                return await self._run(outcome)
        finally:
            self._leave_company()
        if isinstance(outcome, Suspect):
            await self._company_done.wait()
            async with self._alone:
                return await self._run_alone(outcome)
        return outcome

    def _admit(self, envelope: Envelope) -> Run | Suspect | Settled:
        return self._admission.admit(envelope, len(self._records))

    async def _run(self, run: Run) -> Settled:
        started = time.monotonic()
        with gathering(context_of(run.record), self._task.name) as spans:
            settled = await self._run_in_its_trace(run)
        self._measure(run, settled, time.monotonic() - started)
        if spans:
            from backstay.tracing.export import export

            await self._in_thread(export, spans)
        return settled

    async def _run_in_its_trace(self, run: Run) -> Settled:
        with attempt_span(run.record) as attempt:
            ended, settled = await self._run_to_its_end(run)
            attempt.attributes |= end_of(ended.failure, settled.outcome)
        return settled

    async def _run_to_its_end(self, run: Run) -> tuple[Ended, Settled]:
        limit = TimeLimit(self._task.limits, run.record.step, self._ends)
        job = self._attempts.job_of(run, limit, self.metrics.append)
        ended = await self._performed(self._in_thread(self._attempts.perform, run, job), limit)
        if ended is None:
            # The thread can't be stopped. Whatever it still does, its lease no longer lets it write.
            ended = Ended(job, failure=limit.failure())
        return ended, await self._in_thread(self._attempts.settle, run, ended)

    async def _performed(self, performing: "asyncio.Future[Ended]", limit: TimeLimit) -> Ended | None:
        """How the run ended; None when its time was over first."""
        while (left_s := limit.expires - time.monotonic()) > 0:
            done, _ = await asyncio.wait((performing,), timeout=left_s)
            if done:
                return performing.result()
        return None

    async def _run_alone(self, suspect: Suspect) -> Settled:
        if self._ends - time.monotonic() < self._task.limits.timeout:
            await self._in_thread(self._hand_back, suspect.envelope)
            return KEEP
        admitted = await self._in_thread(self._admission.admit_alone, suspect)
        return await self._run(admitted) if isinstance(admitted, Run) else admitted

    def _hand_back(self, envelope: Envelope) -> None:
        self._queues.hide(envelope.queue, envelope.receipt_handle, 0)
        logger().info("handed back: too little time is left")

    def _leave_company(self) -> None:
        self._in_company -= 1
        if self._in_company == 0:
            self._company_done.set()

    def _in_thread(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[R]":
        inside = contextvars.copy_context()  # what log lines are about, and the trace
        call = partial(inside.run, function, *args, **kwargs)
        return asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _measure(self, run: Run, settled: Settled, seconds: float) -> None:
        if settled.outcome not in _COUNTED_ELSEWHERE:
            self.metrics.append(Metric(f"Jobs{settled.outcome.capitalize()}", 1))
        self.metrics.append(Metric("RunTime", round(seconds * 1000), "Milliseconds"))
        if run.record.fence == 1 and run.record.queue_wait_ms is not None:
            self.metrics.append(Metric("QueueWait", run.record.queue_wait_ms, "Milliseconds"))
