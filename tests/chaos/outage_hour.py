"""A provider is down for an hour, and every job that asks it waits: on a clock that runs twenty times as fast.

Scaled is what the worker sees: its clock, and the waits that it gives to SQS, each in whole seconds of the true clock,
so that twenty seconds are the shortest. What the machine needs to run a job is not: to the worker a second of work is
twenty. So it comes back less often than on AWS, and its leases are nearer to their end.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backstay.jobs.record import JobRecord, State
from backstay.jobs.store import JobStore
from bench.figures import Figure, Part
from tests.chaos.gate import Gate, Mode
from tests.e2e.stack import Stack

TASK = "wait-out"
SPEED, HOUR_S = 20, 3600
JOBS = 30
_AFTERWARDS_S, _LOOK_EVERY_S = 70.0, 1.0


@dataclass(frozen=True, slots=True)
class Outlasted:
    """How the jobs have taken it."""

    records: Sequence[JobRecord]
    dead_letters: int
    calls: int
    """That reached the provider while it was down."""

    @property
    def failed(self) -> int:
        """Jobs whose letter is dead, or will be."""
        return max(self.dead_letters, sum(record.state is State.FAILED for record in self.records))

    @property
    def unfinished(self) -> int:
        """Jobs without an answer when the provider was back."""
        return sum(record.state is not State.COMPLETED for record in self.records)


def outlast(stack: Stack, variables: Mapping[str, str], provider: Gate) -> Outlasted:
    """Jobs come in all through the hour; then the provider is back.

    Args:
        stack: where.
        variables: the worker's environment.
        provider: of the task.
    """
    provider.mode = Mode.FAIL
    began = time.monotonic()
    ids = []
    for number in range(JOBS):
        ids.append(stack.submit(TASK, {"number": number})["id"])
        time.sleep(max(0.0, began + (number + 1) * HOUR_S / SPEED / JOBS - time.monotonic()))
    calls = len(provider.passages)
    provider.mode = Mode.ANSWER
    store, ends_at = JobStore(variables["BACKSTAY_JOBS_TABLE"]), time.monotonic() + _AFTERWARDS_S
    records = store.get_many(ids)
    while time.monotonic() < ends_at and not all(record.state.is_terminal for record in records):
        time.sleep(_LOOK_EVERY_S)
        records = store.get_many(ids)
    url = stack.cloud.queues[TASK] + "-dead"
    wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
    return Outlasted(records, sum(map(int, counts.values())), calls)


def figures(found: Outlasted) -> list[Figure]:
    """What became of the jobs."""
    minutes = HOUR_S / SPEED / 60
    return [
        Figure(
            "outage_hour_dead_letters", found.failed, "jobs",
            f"Of {JOBS} that came in while their only provider was down for an hour, those that were given up.",
            at_most=0,
            parts=(
                Part("without an answer once it was back", found.unfinished),
                Part("waits", sum(record.waits for record in found.records)),
                Part("attempts beyond one a job", sum(max(0, record.attempts - 1) for record in found.records)),
                Part("calls that reached it", found.calls),
            ),
            note=f"The worker's clock, and the waits that it gives to SQS, run {SPEED} times as fast: {minutes:g} min.",
        ),
        Figure(
            "outage_hour_unanswered", found.unfinished, "jobs", "Of them, those without an answer once it was back.",
            at_most=0,
        ),
    ]  # fmt: skip
