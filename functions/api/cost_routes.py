"""What was spent, by what, and where it is going."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query

from backstay.access.caller import Caller
from backstay.access.key import Scope
from backstay.clock import utc_now

from .cost_shapes import CostDay, Costs, group_of, projection_of, runway_of, sums_of, trend_of
from .gate import caller_of, needs, routes
from .services import services
from .shapes import TenantName

if TYPE_CHECKING:
    from datetime import date

    from backstay.budgets.budget import Budget
    from backstay.costs.report import By, Lines
    from backstay.costs.runway import Runway

router = routes()

WindowName = Literal["daily", "monthly", "yearly"]
ByName = Literal["provider", "task", "tenant", "tag", "model", "operation"]

_MOST_BUDGETS = 100


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
    lines = _lines(whose, min(first, today - timedelta(days=report.HISTORY_DAYS)), today)
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


def _lines(whose: str | None, first: "date", last: "date") -> "Lines":
    book = services().cost_book
    return book.of_tenant(whose, first, last) if whose else book.of_everybody(first, last)


def _lines_by(by: "By", whose: str | None, first: "date", last: "date", lines: "Lines") -> "Lines":
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
    from backstay.budgets.scope import KINDS

    standing = services().standing
    if whose is None:
        return standing.page(KINDS, None, _MOST_BUDGETS).budgets
    return standing.read([f"tenant:{whose}", *([f"key:{caller.key_id}"] if caller.tenant == whose else [])])
