"""500 jobs while their providers fail in every way that llmock can script, with its quotas on; llmock judges us."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmock.ratelimit import LimitSettings

from bench.figures import Figure, Part
from bench.run import Run
from tests.chaos import faults
from tests.chaos.ground import Json, ground, wait_for_all
from tests.chaos.model_server import ModelServer, model_server
from tests.chaos.verdict import Verdict, parts_of
from tests.e2e.stack import Stack

JOBS, TOO_LONG, EACH_TIME, AT_ONCE = 500, 3, 5, 16
SEED = 4
QUOTAS = LimitSettings(rpm=80, tpm=120_000, context_window=8_000)
WITHIN_S = 600
CONFIG = """
[providers.anthropic]
kind = "anthropic"
secret = "provider/anthropic"
base_url = "{url}/anthropic"
timeout_s = 10
[providers.anthropic.limits]
requests_per_minute = {quotas.rpm}
tokens_per_minute = {quotas.tpm}
[providers.anthropic.breaker]
reset_timeout_s = 5
[providers.openai]
kind = "openai"
secret = "provider/openai"
base_url = "{url}/v1"
timeout_s = 10
[providers.openai.breaker]
reset_timeout_s = 5
[routes]
default = ["anthropic/claude-haiku-5-5"]
[routes.tiers]
medium = ["openai/gpt-5.6-luna"]
high = ["anthropic/claude-sonnet-5-5", "openai/gpt-5.6-luna"]
"""
"""Of llmock's quotas one provider's limits are known, the other's not. Only where a person has to mend the account
there is a failover: llmock takes it for giving up."""

_TEXTS = {
    "anthropic": "A company has shown a machine.",
    "openai": "A company has shown a machine and a robot and a car and a boat and a plane.",
    "both": "Personalization is dynamic and comes as a template.",
}
"""By who is to answer: what makes a prompt easy, harder, hard."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the jobs ended, and how they should have."""

    not_completed: int
    expected: Mapping[str, int]
    """Jobs that had to fail for good, by class."""
    found: Mapping[str, int]

    @property
    def wrong(self) -> int:
        """Jobs that did not end as they should have."""
        classes = {*self.expected, *self.found}
        unexpected = sum(abs(self.expected.get(one, 0) - self.found.get(one, 0)) for one in classes)
        return self.not_completed + unexpected


def run(run: Run) -> list[Figure]:
    """First what ails an account, then all the rest at once."""
    with model_server(QUOTAS) as server:
        with ground(run, CONFIG.format(url=server.url, quotas=QUOTAS)) as stack, run.progress("jobs", JOBS) as step:
            ended = _all_jobs(stack, server, step)
        return figures(server.verdict(), server.requests(), ended)


def figures(said: Json, requests: Sequence[Json], ended: Ended) -> list[Figure]:
    """What llmock says, and what became of the jobs."""
    verdict = Verdict(said["findings"], requests)
    errors, warnings = verdict.errors(), verdict.warnings()
    over_quota = sum((request["fault"] or "").startswith("ratelimit:") for request in requests)
    classes = sorted({*ended.expected, *ended.found})
    return [
        Figure(
            "llmock_fail", len(errors), "findings", "Errors in llmock's verdict on its client.", at_most=0,
            parts=parts_of(errors),
        ),
        Figure(
            "llmock_warn", len(warnings), "findings", "Warnings in llmock's verdict on its client.", at_most=0,
            parts=(
                *parts_of(warnings),
                Part(
                    "besides, repairs that were turned away", len(verdict.asked_anew()),
                    "not given up: their question was asked anew, which llmock takes for another call",
                ),
            ),
        ),
        Figure(
            "llmock_jobs_lost", ended.wrong, "jobs", f"Of {JOBS}, those that did not end as they should.", at_most=0,
            parts=(
                Part("not completed", ended.not_completed),
                *(Part(one, ended.found.get(one, 0), f"expected {ended.expected.get(one, 0)}") for one in classes),
            ),
        ),
        Figure(
            "llmock_faults", said["faults_injected"], "answers", "Errors that providers answered.",
            parts=(Part("requests in all", said["attempts"]), Part("for so many calls", said["calls"])),
        ),
        Figure(
            "llmock_quota_refusals", over_quota, "answers", "Of them, 429s for its quotas: these must be run into.",
            at_least=1,
        ),
    ]  # fmt: skip


def _all_jobs(stack: Stack, server: ModelServer, step: Callable[[], None]) -> Ended:
    jobs = _account_ails(stack, server, step)
    long = [_submit(stack, "openai", f"long {number}", "too long " * 4_000) for number in range(TOO_LONG)]
    jobs += wait_for_all(stack, long, WITHIN_S, step).values()
    waves, ids = _waves(), []
    while len(jobs) + len(ids) < JOBS:
        if wave := next(waves, []):
            server.script(wave)
        for number in range(min(AT_ONCE, JOBS - len(jobs) - len(ids))):
            ids.append(_submit(stack, ("anthropic", "openai")[number % 2], f"any {len(ids)}"))
    jobs += wait_for_all(stack, ids, WITHIN_S, step).values()
    if left := [*waves, *server.left()]:
        raise RuntimeError(f"no call has met these failures: {left}")
    return _ended(jobs)


def _account_ails(stack: Stack, server: ModelServer, step: Callable[[], None]) -> list[Json]:
    """One failure at a time, and each time a person who mends it."""
    jobs: list[Json] = []
    for fault in faults.OF_THE_ACCOUNT:
        server.script([fault.at("anthropic")])
        ids = [_submit(stack, "both", f"account {len(jobs) + number}") for number in range(EACH_TIME)]
        jobs += wait_for_all(stack, ids, WITHIN_S, step).values()
        stack.post("/api/breakers/anthropic/reset")
    return jobs


def _waves() -> Iterator[list[Json]]:
    """The failures, one at a time for each provider, so that between them calls succeed."""
    order = [*faults.PASSING, *faults.FOR_GOOD]
    random.Random(SEED).shuffle(order)
    for fault in order:
        yield [fault.at(provider) for provider in fault.providers]


def _ended(jobs: Sequence[Json]) -> Ended:
    expected = Counter({"context_length": TOO_LONG})
    for fault in faults.FOR_GOOD:
        expected[fault.fails_for_good] += len(fault.providers)
    results = [job["result"] for job in jobs if job["state"] == "completed"]
    found = Counter(result["why"].partition(":")[0] for result in results if result["source"] == "local")
    return Ended(len(jobs) - len(results), expected, found)


def _submit(stack: Stack, who: str, title: str, more: str = "") -> str:
    story = {"id": title.replace(" ", "-"), "title": title, "content": f"{_TEXTS[who]} {more}"}
    job_id: str = stack.submit("enhance-story", story)["id"]
    return job_id
