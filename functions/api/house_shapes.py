"""Shapes of how the house stands: what answers whether it is well, and the overview of it."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from .breaker_shapes import BreakerState, state_name
from .shapes import Amount, Shape
from .stats_shapes import Numbers, numbers_of

if TYPE_CHECKING:
    from backstay.costs.spending import Spending
    from backstay.resilience.breaker import BreakerStats

    from .house import HouseState
    from .verdict import Verdict

StatusName = Literal["healthy", "degraded", "unhealthy"]

CROSS_WORKFLOW_TASK = "coordinate-workflow"
"""The task by which runs of sagas speak to one another."""

MOST_COUNTED = 100
"""Of alerts, and of runs that need a person; more are told as so many."""
_PROVIDER = "provider:"
_OR_MORE = f"{MOST_COUNTED} stands for {MOST_COUNTED} or more."


class ReasonShape(Shape):
    """Something that is not well."""

    status: StatusName
    about: Annotated[str, Field(description="A task, a provider, a saga, an alert's rule, or a part of the house.")]
    text: str


class WorkerHealth(Shape):
    """Those that run jobs, all tasks together."""

    tasks: Annotated[int, Field(description="How many there are.")]
    paused: Annotated[list[str] | None, Field(description="Tasks; none by tenant.")]
    success_rate: Annotated[float | None, Field(description="Of what ended in the last hour, 0 to 1.")]
    average_run_ms: Annotated[float | None, Field(description="What jobs took that ended in the last hour.")]
    cache_hits: Annotated[int, Field(description="Questions answered from the cache today, UTC.")]


class ProviderHealth(Shape):
    """A provider of models, or a host that jobs call."""

    name: str
    state: BreakerState | Literal["paused", "held"]
    success_rate: Annotated[float | None, Field(description="Of today's calls; none of hosts.")]
    average_latency_ms: float | None


class CacheHealth(Shape):
    """Answers of models that are used again, today, UTC."""

    hits: int
    calls: Annotated[int, Field(description="Questions that a provider answered.")]
    hit_rate: Annotated[float | None, Field(description="0 to 1; none where nothing was asked.")]
    saved_usd: Amount


class WorkflowHealth(Shape):
    """Runs of sagas."""

    active: Annotated[int, Field(description="Runs that are not over, those that wait included.")]
    stuck: int
    pending_compensations: Annotated[
        int, Field(description=f"Failed runs of which not all could be undone; {_OR_MORE}")
    ]
    cross_workflow_calls: Annotated[int, Field(description="Ever: jobs by which one run spoke to another.")]


class HouseHealth(Shape):
    """Part by part; what concerns every tenant is none for a key of one."""

    worker: WorkerHealth
    providers: list[ProviderHealth] | None
    cache: CacheHealth
    workflows: WorkflowHealth


class AlertCounts(Shape):
    """Alerts that are not resolved."""

    unresolved: Annotated[int, Field(description=_OR_MORE)]
    by_severity: dict[str, int]


class BudgetUse(Shape):
    """One window of a budget of the whole, of a provider, or of a quota."""

    scope: str
    window: str
    used_percent: float


class Overview(Shape):
    """The house at a glance. Of one tenant, what concerns all of them is none."""

    status: StatusName | None
    reasons: list[ReasonShape] | None
    tenant: str | None
    jobs: Annotated[Numbers | None, Field(description="All tasks together; none where it can't be read.")]
    health: HouseHealth
    cost_today_usd: Amount
    calls_today: int
    alerts: AlertCounts | None
    budgets: Annotated[list[BudgetUse] | None, Field(description="The ten of which most is used.")]


def health_of(house: "HouseState", tenant: str | None) -> HouseHealth:
    """The parts as they are shown."""
    return HouseHealth(
        worker=_worker_of(house, tenant),
        providers=None if tenant else [provider_of(breaker, house) for breaker in house.breakers],
        cache=_cache_of(house),
        workflows=_workflows_of(house),
    )


def reasons_of(verdict: "Verdict") -> list[ReasonShape]:
    """Reasons as they are shown."""
    return [ReasonShape(status=one.status.value, about=one.about, text=one.text) for one in verdict.reasons]


def overview_of(house: "HouseState", verdict: "Verdict | None", tenant: str | None) -> Overview:
    """All of it; the verdict is on the whole, and left out for one tenant."""
    spent = _spent(house)
    return Overview(
        status=verdict.status.value if verdict else None,
        reasons=reasons_of(verdict) if verdict else None,
        tenant=tenant,
        jobs=numbers_of(house.stats.total) if house.stats else None,
        health=health_of(house, tenant),
        cost_today_usd=spent.cost_usd,
        calls_today=spent.calls,
        alerts=None if tenant else _alerts_of(house),
        budgets=None if tenant else _budgets_of(house),
    )


def _worker_of(house: "HouseState", tenant: str | None) -> WorkerHealth:
    from backstay.jobs.stats import Counts

    tasks = house.stats.tasks if house.stats else ()
    total = house.stats.total if house.stats else Counts()
    return WorkerHealth(
        tasks=len(tasks),
        paused=None if tenant else [task.task for task in tasks if task.paused],
        success_rate=total.success_rate,
        average_run_ms=total.average_run_ms,
        cache_hits=_spent(house).hits,
    )


def provider_of(breaker: "BreakerStats", house: "HouseState") -> ProviderHealth:
    """A circuit as it is shown, with what its provider did today."""
    name = breaker.name.removeprefix(_PROVIDER)
    today = house.activity.get(name) if breaker.name.startswith(_PROVIDER) else None
    return ProviderHealth(
        name=name,
        state=_state_of(breaker),
        success_rate=today.success_rate if today else None,
        average_latency_ms=today.average_latency_ms if today else None,
    )


def _state_of(breaker: "BreakerStats") -> BreakerState | Literal["paused", "held"]:
    from backstay.circuits import PAUSED

    if breaker.held:
        return "paused" if breaker.held == PAUSED else "held"
    return state_name(breaker)


def _cache_of(house: "HouseState") -> CacheHealth:
    spent = _spent(house)
    asked = spent.hits + spent.calls
    return CacheHealth(
        hits=spent.hits,
        calls=spent.calls,
        hit_rate=spent.hits / asked if asked else None,
        saved_usd=spent.saved_usd,
    )


def _workflows_of(house: "HouseState") -> WorkflowHealth:
    tasks = house.stats.tasks if house.stats else ()
    return WorkflowHealth(
        active=sum(numbers.running for numbers in house.sagas.values()),
        stuck=sum(numbers.stuck for numbers in house.sagas.values()),
        pending_compensations=house.undone_in_part,
        cross_workflow_calls=sum(one.counts.completed for one in tasks if one.task == CROSS_WORKFLOW_TASK),
    )


def _alerts_of(house: "HouseState") -> AlertCounts:
    severities = Counter(alert.severity.value for alert in house.alerts)
    return AlertCounts(unresolved=len(house.alerts), by_severity=dict(sorted(severities.items())))


_MOST_BUDGETS = 10


def _budgets_of(house: "HouseState") -> list[BudgetUse]:
    used = [
        BudgetUse(scope=budget.scope, window=window.value, used_percent=float(percent))
        for budget in house.budgets
        for window, account in budget.accounts.items()
        if (percent := account.used_percent) is not None
    ]
    return sorted(used, key=lambda one: (-one.used_percent, one.scope, one.window))[:_MOST_BUDGETS]


def _spent(house: "HouseState") -> "Spending":
    from backstay.costs.report import total

    return total(house.lines).spending
