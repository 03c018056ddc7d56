"""One queue, a noisy tenant's backlog, and a quiet tenant behind it: fair queues, and how many jobs run at once."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from cli.aws_check.finding import Finding, Verdict, verdict_of
from cli.aws_check.ground import SLOW_TASK, STORY_TASK, Ground, Ran
from cli.aws_check.pausing import paused

NAME = "fairness"
QUIET_JOBS = 10
_SLEEP_S = 2.0
_WITHIN_S = 600.0
_FAIR_SHARE = 0.5
"""Of the noisy tenant's jobs, how many may start before the quiet one's middle job; by age alone it would be all."""
_SHORTEST_BACKLOG_S = 5.0
"""SQS tells a noisy tenant by its share of the consumers' time, for which a backlog must last."""


def findings(ground: Ground, noisy_jobs: int) -> Iterator[Finding]:
    """Pause the task, let the noisy tenant fill the queue, then the quiet one, go on, and see who started when."""
    task = SLOW_TASK if SLOW_TASK in ground.tasks else STORY_TASK
    works = [_work(ground, task, number) for number in range(noisy_jobs + QUIET_JOBS)]
    with paused(ground, task):
        ground.submit_many(task, works[:noisy_jobs], ground.tenant("noisy"))
        ground.submit_many(task, works[noisy_jobs:], ground.tenant("quiet"))
    noisy = ground.wait_for(ground.tenant("noisy"), noisy_jobs, _WITHIN_S)
    quiet = ground.wait_for(ground.tenant("quiet"), QUIET_JOBS, _WITHIN_S)
    yield judge_fairness(noisy, quiet)
    yield judge_concurrency([*noisy, *quiet], _most_allowed(ground, task))


def judge_fairness(noisy: Sequence[Ran], quiet: Sequence[Ran]) -> Finding:
    """Whether the quiet tenant's jobs, the last to come, started before much of the noisy one's backlog."""
    says = "a noisy tenant's backlog doesn't delay a quiet tenant's jobs"
    middle = statistics.median_low([ran.started for ran in quiet])
    before = sum(ran.started < middle for ran in noisy) / len(noisy)
    started = [ran.started for ran in (*noisy, *quiet)]
    lasted_s = (max(started) - min(started)).total_seconds()
    measured = (
        f"{before:.0%} of the noisy jobs started before the quiet one's middle job; the backlog took {lasted_s:.0f} s"
    )
    if lasted_s < _SHORTEST_BACKLOG_S:
        return Finding(NAME, says, Verdict.NOT_SHOWN, f"{measured}: too short for SQS to tell who is noisy")
    return Finding(NAME, says, verdict_of(before <= _FAIR_SHARE), measured)


def judge_concurrency(ran: Sequence[Ran], most_allowed: int) -> Finding:
    """Whether no more jobs ran at once than the event source allows."""
    most = most_at_once(ran)
    says = "no more jobs run at once than the task's concurrency allows"
    return Finding(NAME, says, verdict_of(most <= most_allowed), f"{most} of {most_allowed}")


def most_at_once(ran: Sequence[Ran]) -> int:
    """The most jobs that were under way at one moment; one that ends as another starts makes room for it."""
    moves = sorted([(one.started, 1) for one in ran] + [(one.finished, -1) for one in ran])
    most = running = 0
    for _, move in moves:
        running += move
        most = max(most, running)
    return most


def _work(ground: Ground, task: str, number: int) -> dict[str, Any]:
    if task == SLOW_TASK:
        return {"sleep_s": _SLEEP_S if not ground.target.is_local else 0.2, "text": f"{ground.run} {number}"}
    return ground.story(1_000 + number)


def _most_allowed(ground: Ground, task: str) -> int:
    """By what is deployed: each event source's batch size times its maximum concurrency. One queue is used here."""
    sources = ground.client("lambda").list_event_source_mappings(FunctionName=ground.function_prefix + task)
    mappings = sources["EventSourceMappings"]
    return max(int(one["BatchSize"]) * int(one["ScalingConfig"]["MaximumConcurrency"]) for one in mappings)
