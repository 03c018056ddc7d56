"""What was, step by step: of jobs, and of money."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import Field

from backstay.access.key import Scope
from backstay.clock import utc_now

from .gate import caller_of, needs, require_every_tenant, routes
from .problems import Kind, Refusal, invalid
from .services import services
from .shapes import Amount, Moment, Shape, TenantName

if TYPE_CHECKING:
    from backstay.costs.report import Lines
    from backstay.costs.spending import Spending
    from backstay.jobs.history import Ended

router = routes()

JOBS, COSTS = "jobs", "costs"
RangeName = Literal["hour", "day", "week", "month", "year"]
_DAYS = {"week": 7, "month": 30, "year": 366}
_THREADS = 16


class JobsPoint(Shape):
    """Jobs that ended in one step."""

    completed: int
    failed: int
    cancelled: int
    average_run_ms: Annotated[float | None, Field(description="Of their last runs.")]


class CostsPoint(Shape):
    """What was spent in one step."""

    calls: int
    cost_usd: Amount
    input_tokens: int
    output_tokens: int
    cache_hits: int


class Point(Shape):
    """One step."""

    at: Annotated[Moment, Field(description="When it began.")]
    jobs: JobsPoint | None
    costs: CostsPoint | None


class History(Shape):
    """Every step of a range, the oldest first; the last is not over."""

    component: str
    range: RangeName
    step_s: int
    tenant: str | None
    points: list[Point]


@router.get(
    "/api/history/<component>/<range_>",
    security=needs(Scope.READ),
    tags=["operation"],
    summary="What was, step by step",
)
def history(
    component: Annotated[str, Path(description="`jobs`, a task, `costs`, or a provider that costs money.")],
    range_: Annotated[RangeName, Path(description="hour by minutes, day and week by hours, month and year by days.")],
    tenant: Annotated[TenantName | None, Query(description="Of this tenant's costs only.")] = None,
) -> History:
    """Of jobs, how they ended, up to five minutes late from an hour on; it concerns every tenant, so the key must too.
    Of money, what was spent, by the day; a key of one tenant sees that tenant's."""
    whose = caller_of(router).tenant_to_list(tenant)
    if component == JOBS or component in services().catalog.names:
        require_every_tenant(caller_of(router), "how jobs end")
        if whose:
            raise invalid("tenant", "what jobs did is not kept by tenant; leave it out", whose)
        return _of_jobs(component, range_)
    return _of_costs(component, range_, whose)


def _of_jobs(component: str, wanted: RangeName) -> History:
    from backstay.jobs.history import Range, all_of, step_of

    tasks = services().catalog.names if component == JOBS else (component,)
    with ThreadPoolExecutor(max_workers=_THREADS) as threads:
        found = list(threads.map(lambda task: services().history.read(task, Range(wanted)), tasks))
    return History(
        component=component,
        range=wanted,
        step_s=int(step_of(Range(wanted)).total_seconds()),
        tenant=None,
        points=[Point(at=at, jobs=_jobs(ended), costs=None) for at, ended in all_of(Range(wanted), utc_now(), found)],
    )


def _jobs(ended: "Ended") -> JobsPoint:
    times = ended.times
    return JobsPoint(
        completed=ended.completed,
        failed=ended.failed,
        cancelled=ended.cancelled,
        average_run_ms=times.run_ms / times.runs if times.runs else None,
    )


def _of_costs(component: str, wanted: RangeName, whose: str | None) -> History:
    from backstay.costs.report import by_day
    from backstay.jobs.history import Range, moments_of, step_of

    if wanted not in _DAYS:
        _check_known(component)
        raise invalid("range_", "costs are kept by the day; take week, month or year", wanted)
    days = moments_of(Range.YEAR, utc_now())[-_DAYS[wanted] :]
    lines = _lines(component, whose, days[0].date(), days[-1].date())
    spent = by_day(lines)
    return History(
        component=component,
        range=wanted,
        step_s=int(step_of(Range.MONTH).total_seconds()),
        tenant=whose,
        points=[Point(at=at, jobs=None, costs=_costs(spent.get(at.date()))) for at in days],
    )


def _lines(component: str, whose: str | None, first: date, last: date) -> "Lines":
    lines = services().cost_book.of(whose, first, last)
    if component == COSTS:
        return lines
    own = [(line, spending) for line, spending in lines if line.cell and line.cell.provider == component]
    if not own:
        _check_known(component)
    return own


def _check_known(component: str) -> None:
    config = services().config
    if component != COSTS and component not in (*config.providers, *config.rates):
        raise Refusal(
            Kind.NOT_FOUND, f"there is no {component[:100]!r}; take jobs, costs, or the name of a task or a provider"
        )


def _costs(spending: "Spending | None") -> CostsPoint:
    from backstay.costs.spending import Spending

    spent = spending or Spending()
    return CostsPoint(
        calls=spent.calls,
        cost_usd=spent.cost_usd,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        cache_hits=spent.hits,
    )
