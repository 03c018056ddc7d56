"""Where money could be saved, read off the accounts and the newest jobs. Pure, but for who is asked what calls cost."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from backstay.budgets.budget import NOTHING
from backstay.costs.quotes import Question
from backstay.costs.report import Lines
from backstay.costs.spending import COMPLETION, Spending
from backstay.jobs.record import JobRecord

DAYS = 30
"""That insights look back."""
CACHE_KEEPS = timedelta(minutes=10)
"""How long Backstay's own cache would have kept an answer (spec: LLM calls)."""

_LEAST_USD, _LEAST_SHARE = Decimal("0.01"), Decimal("0.05")
"""What saves less, in all or of what was paid, is not worth anybody's time."""

Quote = Callable[[Sequence[Question]], Sequence[Decimal | None]]


class Kind(StrEnum):
    """What would save."""

    CHEAPER_ROUTE = "cheaper_route"
    CACHING = "caching"
    RETRIES = "retries"


@dataclass(frozen=True, slots=True)
class Insight:
    """One way to spend less."""

    kind: Kind
    task: str
    saving_usd: Decimal
    """Roughly, of the last thirty days."""
    text: str


@dataclass(frozen=True, slots=True)
class Usual:
    """What one task's calls of one model are like."""

    task: str
    route: str
    spending: Spending

    def question(self, route: str) -> Question:
        """The average call, made on a route."""
        spent, calls = self.spending, self.spending.calls
        return Question(
            route=route,
            input_tokens=_rounded(spent.input_tokens, calls),
            output_tokens=_rounded(spent.output_tokens, calls),
            cached_tokens=_rounded(spent.cached_tokens, calls),
            cache_write_tokens=_rounded(spent.cache_write_tokens, calls),
        )


def usual_calls(lines: Lines) -> list[Usual]:
    """Each task's calls of each model that cost something, the most costly first."""
    found: dict[tuple[str, str], Spending] = defaultdict(Spending)
    for line, spending in lines:
        if line.cell and line.cell.operation == COMPLETION:
            found[line.cell.task, f"{line.cell.provider}/{line.cell.model}"] += spending
    usual = [Usual(task, route, spending) for (task, route), spending in found.items()]
    paid = [one for one in usual if one.spending.calls and one.spending.cost_usd > 0]
    return sorted(paid, key=lambda one: (-one.spending.cost_usd, one.task, one.route))


def cheaper_routes(usual: Sequence[Usual], routes: Mapping[str, Sequence[str]], quote: Quote) -> list[Insight]:
    """Which task's calls would cost less on which other route that it could take.

    Args:
        usual: what calls are like.
        routes: by task, those that backstay.toml or the task names.
        quote: answers what calls cost.
    """
    asked = [(one, route) for one in usual for route in dict.fromkeys((one.route, *routes.get(one.task, ())))]
    if not asked:
        return []
    answers = quote([one.question(route) for one, route in asked])
    prices = {(one.task, one.route, route): usd for (one, route), usd in zip(asked, answers, strict=True)}
    return [insight for one in usual if (insight := _cheapest(one, routes.get(one.task, ()), prices))]


def _cheapest(
    one: Usual, routes: Sequence[str], prices: Mapping[tuple[str, str, str], Decimal | None]
) -> Insight | None:
    own = prices[one.task, one.route, one.route]
    known = {route: usd for route in routes if (usd := prices[one.task, one.route, route]) is not None}
    if not own or not known:
        return None
    route = min(known, key=lambda route: (known[route], route))
    cost = one.spending.cost_usd
    saving = cost - cost * known[route] / own
    if not _is_worth_it(saving, cost):
        return None
    text = (
        f"{one.spending.calls} calls of {one.route} cost {_usd(cost)}; on {route} as many tokens would have cost"
        f" {_usd(cost - saving)}. Try whether its answers are good enough"
    )
    return Insight(Kind.CHEAPER_ROUTE, one.task, saving, text)


def caching(task: str, cost_usd: Decimal, newest: Iterable[JobRecord]) -> Insight | None:
    """What answers from the cache would have saved a task that pays for the same question again.

    Args:
        task: whose.
        cost_usd: what it cost in all.
        newest: some of its newest completed jobs, which stand for all.
    """
    jobs = sorted((job for job in newest if job.started_at and job.finished_at), key=lambda job: job.started_at or 0)
    paid, repeats, saved = NOTHING, 0, NOTHING
    answered: dict[tuple[str, str], datetime] = {}
    for job in jobs:
        cost, question = job.receipt.cost_usd if job.receipt else NOTHING, (job.tenant, job.input_digest)
        paid += cost
        if job.started_at and (before := answered.get(question)) and job.started_at <= before + CACHE_KEEPS:
            repeats, saved = repeats + bool(cost), saved + cost
        elif cost and job.finished_at:
            answered[question] = job.finished_at
    saving = cost_usd * saved / paid if paid else NOTHING
    if not _is_worth_it(saving, cost_usd):
        return None
    text = (
        f"of the newest {len(jobs)} jobs {repeats} paid for what another had asked within ten minutes before,"
        f" {_usd(saved)} of {_usd(paid)}. Let the task cache its answers, or normalise what it asks"
    )
    return Insight(Kind.CACHING, task, saving, text)


def retries(task: str, spending: Spending) -> Insight | None:
    """What a task paid in runs that came to nothing."""
    lost, cost = spending.lost_usd, spending.cost_usd
    if not _is_worth_it(lost, cost):
        return None
    text = f"{_usd(lost)} of {_usd(cost)} was paid in runs that failed. See why: backstay jobs ls --task {task}"
    return Insight(Kind.RETRIES, task, lost, text)


def _is_worth_it(saving: Decimal, cost: Decimal) -> bool:
    return saving >= _LEAST_USD and saving >= cost * _LEAST_SHARE


def _rounded(tokens: int, calls: int) -> int:
    return int((Decimal(tokens) / calls).to_integral_value(ROUND_HALF_UP))


def _usd(amount: Decimal) -> str:
    return f"${amount:.2f}" if amount >= 1 else f"${amount:.4f}"
