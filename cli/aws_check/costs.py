"""What a run does and costs, told before it starts. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from cli.aws_check import fairness, paths, pausing, races, schedules, throttling
from cli.aws_check.ground import SLOW_TASK

USD_PER_JOB = Decimal("0.00002")
"""What AWS takes for a job, rounded up; bench/README.md itemises it. Requests and reads of this run are in it."""
USD_PER_REQUEST = Decimal("0.000003")
_TOKENS_IN, _TOKENS_OUT = 1_500, 1_024
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """US dollars per million tokens of the route that answers first."""

    route: str
    input: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True)
class Estimate:
    """The size of a run."""

    jobs: int
    model_jobs: int
    """Of them, those that ask a model, once each if it answers well."""
    requests: int
    aws_usd: Decimal
    model_usd: Decimal
    takes_s: int

    @property
    def usd(self) -> Decimal:
        """All of it."""
        return self.aws_usd + self.model_usd


def estimate(checks: Collection[str], noisy_jobs: int, tasks: Collection[str], price: ModelPrice | None) -> Estimate:
    """What these checks come to.

    Args:
        checks: their names.
        noisy_jobs: the length of the noisy tenant's backlog.
        tasks: the tasks that are deployed.
        price: of the model that stories are scored with; None where no provider is configured.
    """
    stories = (
        paths.JOBS * (paths.NAME in checks)
        + pausing.JOBS * (pausing.NAME in checks)
        + races.JOBS * (races.NAME in checks)
        + schedules.JOBS * (schedules.NAME in checks)
    )
    backlog = (noisy_jobs + fairness.QUIET_JOBS) * (fairness.NAME in checks)
    jobs = stories + backlog
    asking = (stories + (0 if SLOW_TASK in tasks else backlog)) if price else 0
    requests = throttling.REQUESTS * (throttling.NAME in checks)
    per_call = (_TOKENS_IN * price.input + _TOKENS_OUT * price.output) / _MILLION if price else Decimal(0)
    return Estimate(
        jobs=jobs,
        model_jobs=asking,
        requests=requests,
        aws_usd=jobs * USD_PER_JOB + requests * USD_PER_REQUEST,
        model_usd=asking * per_call,
        takes_s=(schedules.DELAY_S if schedules.NAME in checks else 0) + 60 + backlog,
    )


def told(what: Estimate, price: ModelPrice | None) -> list[str]:
    """The estimate in sentences."""
    minutes = what.takes_s // 60 + 1
    lines = [
        f"{what.jobs} jobs of tenants that only this run has, {what.requests} more requests, up to {minutes} minutes",
        "tasks are paused for moments: this is not for a stage with real traffic",
        f"AWS: about ${what.aws_usd:.2f}",
    ]
    if price:
        lines.append(f"{price.route}: about ${what.model_usd:.2f} for {what.model_jobs} calls")
    else:
        lines.append("no provider is configured there: stories get local scores, no model is asked")
    return lines
