"""What was spent, by what, and where it is going."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Query

from backstay.access.caller import Caller
from backstay.access.key import Scope
from backstay.clock import utc_now

from .cost_shapes import (
    CostDay,
    CostExport,
    Costs,
    Insights,
    export_row_of,
    group_of,
    insight_of,
    projection_of,
    runway_of,
    sums_of,
    trend_of,
)
from .gate import caller_of, needs, routes
from .problems import invalid
from .services import services
from .shapes import TenantName

if TYPE_CHECKING:
    from backstay.budgets.budget import Budget
    from backstay.costs.report import By, Lines
    from backstay.costs.runway import Runway

router = routes()

WindowName = Literal["daily", "monthly", "yearly"]
ByName = Literal["provider", "task", "tenant", "tag", "model", "operation"]

_MOST_BUDGETS = 100
_MOST_DAYS, _MOST_LINES = 366, 20_000
"""An answer of the API ends at 6 MB."""


@router.get("/api/costs", security=needs(Scope.READ), tags=["money"], summary="What was spent")
def costs(
    window: Annotated[WindowName, Query(description="Today, this month or this year, UTC.")] = "monthly",
    by: Annotated[ByName, Query(description="What to list.")] = "provider",
    tenant: Annotated[TenantName | None, Query(description="Of this tenant's jobs only.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Groups to list, the most costly first.")] = 100,
) -> Costs:
    """From the receipts of jobs, seconds after they end, and from usage that was recorded by hand. A key of one tenant
    sees that tenant's. Calls that were never answered, or whose worker died, are in the budgets alone."""
    from backstay.budgets.periods import Window
    from backstay.costs import report

    caller = caller_of(router)
    whose, now = caller.tenant_to_list(tenant), utc_now()
    today = now.date()
    first = report.first_day(Window(window), today)
    lines = services().cost_book.of(whose, min(first, today - timedelta(days=report.HISTORY_DAYS)), today)
    days, shown = report.by_day(lines), report.since(lines, first)
    groups = report.groups(_lines_by(report.By(by), whose, first, today, shown), report.By(by))
    return Costs(
        window=window,
        first_day=first.isoformat(),
        last_day=today.isoformat(),
        tenant=whose,
        by=by,
        total=sums_of(report.total(shown)),
        groups=[group_of(group) for group in groups[:limit]],
        more_groups=max(0, len(groups) - limit),
        days=[
            CostDay(day=day.isoformat(), cost_usd=spending.cost_usd, calls=spending.calls)
            for day, spending in report.by_day(shown).items()
        ],
        trend=trend_of(report.trend(days, today)),
        projection=projection_of(report.projection(days, today)),
        runway=[runway_of(one) for one in _runways(caller, whose, lines)],
    )


@router.get(
    "/api/costs/export",
    security=needs(Scope.READ),
    tags=["money"],
    summary="What was spent, line by line",
    openapi_extensions={"x-answers-as": ["application/json", "text/csv"]},
)
def export_costs(
    first: Annotated[date | None, Query(description="The first day, UTC; by default that of this month.")] = None,
    last: Annotated[date | None, Query(description="The last day; by default today.")] = None,
    tenant: Annotated[TenantName | None, Query(description="Of this tenant's jobs only.")] = None,
    of: Annotated[
        Literal["spending", "tags"],
        Query(description="By tenant, task, provider, operation and model; or by tenant and tag."),
    ] = "spending",
    format: Annotated[Literal["csv", "json"], Query(description="CSV has a head.")] = "csv",  # noqa: A002 - the query's
) -> Response[CostExport | str]:
    """A line a day, tenant and thing that money was spent on, of at most 366 days and 20,000 lines."""
    from backstay.costs.export import rows, to_csv

    whose, (begins, ends) = caller_of(router).tenant_to_list(tenant), _days(first, last)
    table = list(rows(sorted(_lines_to_export(of, whose, begins, ends), key=lambda entry: entry[0].day)))
    if len(table) > _MOST_LINES:
        raise invalid(
            "first", f"these are {len(table):,} lines, and at most {_MOST_LINES:,} go out; ask for fewer days"
        )
    name = f'attachment; filename="costs-{begins}-{ends}.{format}"'
    if format == "csv":
        headers = {"Content-Disposition": name}
        return Response(200, "text/csv; charset=utf-8", to_csv(table), headers, compress=True)
    shown = CostExport(
        first_day=begins.isoformat(), last_day=ends.isoformat(), rows=[export_row_of(row) for row in table]
    )
    return Response(200, content_types.APPLICATION_JSON, shown, {"Content-Disposition": name}, compress=True)


@router.get("/api/costs/insights", security=needs(Scope.READ), tags=["money"], summary="Where money could be saved")
def cost_insights(
    tenant: Annotated[TenantName | None, Query(description="Of this tenant's jobs only.")] = None,
) -> Insights:
    """Of the last thirty days: tasks that would cost less on another configured route, that pay for the same question
    again, or that pay much in runs that fail. A key of one tenant sees that tenant's."""
    from .cost_insights import find_insights

    whose, today = caller_of(router).tenant_to_list(tenant), utc_now().date()
    found = find_insights(whose, today)
    return Insights(
        first_day=found.first_day.isoformat(),
        last_day=today.isoformat(),
        tenant=whose,
        insights=[insight_of(insight) for insight in found.insights],
    )


def _days(first: date | None, last: date | None) -> tuple[date, date]:
    today = utc_now().date()
    ends = min(last or today, today)
    begins = first or ends.replace(day=1)
    if not timedelta(0) <= ends - begins < timedelta(days=_MOST_DAYS):
        raise invalid("first", f"from {begins} to {ends} are no days, or more than {_MOST_DAYS}")
    return begins, ends


def _lines_to_export(of: str, whose: str | None, first: date, last: date) -> "Lines":
    book = services().cost_book
    if of == "tags":
        return book.by_tag(whose, first, last)
    return book.of_tenant(whose, first, last) if whose else book.by_tenant(first, last)


def _lines_by(by: "By", whose: str | None, first: date, last: date, lines: "Lines") -> "Lines":
    """The lines that tell of what is listed; most often those that were read already."""
    if by == "tag":
        return services().cost_book.by_tag(whose, first, last)
    if by == "tenant" and whose is None:
        return services().cost_book.by_tenant(first, last)
    return lines


def _runways(caller: Caller, whose: str | None, lines: "Lines") -> "list[Runway]":
    from backstay.costs.report import by_day, daily_average, rates_of_everybody
    from backstay.costs.runway import runways

    now = utc_now()
    if whose is None:
        rates = rates_of_everybody(lines, now.date())
    else:
        rates = {f"tenant:{whose}": daily_average(by_day(lines), now.date())}
    return list(runways(_budgets(caller, whose), rates, now))


def _budgets(caller: Caller, whose: str | None) -> "tuple[Budget, ...]":
    from backstay.budgets.scope import KINDS, QUOTA

    standing = services().standing
    if whose is None:
        return standing.page([kind for kind in KINDS if kind != QUOTA], None, _MOST_BUDGETS).budgets
    return standing.read([f"tenant:{whose}", *([f"key:{caller.key_id}"] if caller.tenant == whose else [])])
