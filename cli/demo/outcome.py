"""What came of a scenario, and whether it is what was expected. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from cli.demo.scenarios import Expectation, Scenario
from cli.views import JobView


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a scenario stands; what is still open is None."""

    task: str
    scenario: Scenario
    job: JobView | None = None
    status: int | None = None
    """The HTTP status that refused it."""
    detail: str = ""
    """What the refusal said."""
    is_dead_letter: bool = False
    has_webhook: bool = False
    """A webhook about the job's end arrived."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        if self.job is not None and self.job.is_over:
            return self.has_webhook or not self.scenario.expect.webhook
        return self.status is not None or self.is_dead_letter

    @property
    def end(self) -> str:
        """The end in a word or two."""
        if self.status is not None:
            return f"refused {self.status}"
        if self.is_dead_letter:
            return "dead letter"
        return self.job.state if self.job else "sent"


def judge(outcome: Outcome, others: Mapping[str, Outcome]) -> tuple[str, ...]:
    """What is other than expected, a line each; nothing when all is as it should be."""
    expect, job = outcome.scenario.expect, outcome.job
    complaints = [_end_complaint(expect, outcome)]
    if job:
        complaints += [
            _complaint("attempts", expect.attempts, job.attempts),
            _complaint("source", expect.source, job.source),
            _complaint("error class", expect.error_class, job.error_class),
            *_call_complaints(expect, job),
            _wait_complaint(expect, job),
            "" if outcome.has_webhook or not expect.webhook else "no webhook arrived",
        ]
    if expect.same_job_as is not None:
        twin = others[expect.same_job_as].job
        complaints.append(_complaint("job", twin.id if twin else None, job.id if job else None))
    return tuple(complaint for complaint in complaints if complaint)


def _end_complaint(expect: Expectation, outcome: Outcome) -> str:
    wanted = expect.state or (f"refused {expect.status}" if expect.status else "dead letter")
    return _complaint("end", wanted, outcome.end)


def _call_complaints(expect: Expectation, job: JobView) -> list[str]:
    """What the call that gave the answer should have been."""
    last = job.calls[-1] if job.calls else None
    skipped = last.failed_over_from[0] if last and last.failed_over_from else None
    return [
        _complaint("provider", expect.answered_by, last.provider if last else None),
        _complaint("failover", expect.failed_over_from, skipped),
        _complaint("cached", expect.cached, last.is_cached if last else None),
    ]


def _wait_complaint(expect: Expectation, job: JobView) -> str:
    waited_s = (job.queue_wait_ms or 0) / 1000
    if expect.waited_s is None or waited_s >= expect.waited_s:
        return ""
    return f"started after {waited_s:.1f} s, expected at least {expect.waited_s:g} s"


def _complaint(what: str, wanted: object, found: object) -> str:
    return "" if wanted is None or wanted == found else f"{what} is {found}, expected {wanted}"
