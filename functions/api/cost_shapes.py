"""Shapes of costs."""

from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from .shapes import Amount, Moment, Shape

if TYPE_CHECKING:
    from backstay.costs.export import Row
    from backstay.costs.insights import Insight
    from backstay.costs.report import Group, Projection, Trend
    from backstay.costs.runway import Runway


class Sums(Shape):
    """What calls came to."""

    cost_usd: Amount
    calls: Annotated[int, Field(description="Answered by a provider, and paid for.")]
    unpriced_calls: Annotated[int, Field(description="Of these, calls that nobody has priced.")]
    input_tokens: int
    output_tokens: int
    cached_tokens: Annotated[int, Field(description="Of the input, read from the provider's cache.")]
    cache_write_tokens: Annotated[int, Field(description="Of the input, written into the provider's cache.")]
    jobs: Annotated[int, Field(description="Jobs that made a call.")]
    cost_per_job_usd: Annotated[Amount | None, Field(description="On average; none where no job made a call.")]
    cache_hits: Annotated[int, Field(description="Questions that Backstay's own cache answered.")]
    cache_saved_usd: Annotated[Amount, Field(description="What those answers had cost when they were first given.")]
    lost_usd: Annotated[
        Amount, Field(description="Paid in runs that failed, less what later runs that succeeded made use of.")
    ]


class CostGroup(Sums):
    """What was spent on one thing."""

    name: str


class CostDay(Shape):
    """What was spent on a day, UTC."""

    day: Annotated[str, Field(description="Such as 2026-11-25.")]
    cost_usd: Amount
    calls: int


class TrendShape(Shape):
    """Today, which is not over, beside the days before. Changes are ratios: 0.5 is half as much again."""

    today_usd: Amount
    yesterday_usd: Amount
    week_average_usd: Annotated[Amount, Field(description="A day, over the seven before today.")]
    change_on_yesterday: float | None
    change_on_week: float | None


class ProjectionShape(Shape):
    """What comes of it if days go on like the last seven: times 30, and times 365."""

    daily_average_usd: Amount
    monthly_usd: Amount
    yearly_usd: Amount


class RunwayShape(Shape):
    """How long a budget lasts at the rate of the last seven days."""

    scope: str
    window: str
    limit_usd: Amount
    left_usd: Annotated[Amount, Field(description="Less what calls under way hold.")]
    a_day_usd: Annotated[Amount, Field(description="The rate that is assumed.")]
    days: Annotated[float | None, Field(description="Until nothing is left; none where nothing is being spent.")]
    runs_out_at: Annotated[Moment | None, Field(description="None: not before the window turns.")]
    turns_at: Moment


class Costs(Shape):
    """What was spent in a window, and where it is going."""

    window: str
    first_day: Annotated[str, Field(description="Of the window, UTC.")]
    last_day: Annotated[str, Field(description="Today.")]
    tenant: Annotated[str | None, Field(description="Whose; none is everybody.")]
    by: str
    total: Sums
    groups: Annotated[
        list[CostGroup],
        Field(description="The most costly first. By tag, a job with several tags is in each of their groups."),
    ]
    more_groups: Annotated[int, Field(description="Groups that are not listed.")]
    days: list[CostDay]
    trend: TrendShape
    projection: ProjectionShape
    runway: Annotated[list[RunwayShape], Field(description="Of the budgets that the key may see.")]


class ExportRow(Shape):
    """A day's spending of one tenant on one thing, or under one tag."""

    day: str
    tenant: str
    tag: str
    task: str
    provider: str
    operation: str
    model: str
    cost_usd: Amount
    calls: int
    unpriced_calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    jobs: Annotated[int, Field(description="That made their first call there, so that they add up.")]
    cache_hits: int
    cache_saved_usd: Amount
    lost_usd: Amount


class CostExport(Shape):
    """The accounts of some days, line by line."""

    first_day: str
    last_day: str
    rows: list[ExportRow]


class InsightShape(Shape):
    """One way to spend less."""

    kind: Annotated[str, Field(description="cheaper_route, caching or retries.")]
    task: str
    saving_usd: Annotated[Amount, Field(description="Roughly, of what the last thirty days cost.")]
    text: Annotated[str, Field(description="For a person: what was seen, and what to do.")]


class Insights(Shape):
    """Ways to spend less, the most worthwhile first."""

    first_day: str
    last_day: str
    tenant: str | None
    insights: list[InsightShape]


def sums_of(group: "Group") -> Sums:
    """A sum as it is shown."""
    return Sums(**_sums(group))


def group_of(group: "Group") -> CostGroup:
    """A group as it is shown."""
    return CostGroup(name=group.name, **_sums(group))


def _sums(group: "Group") -> dict[str, Decimal | int | None]:
    spending, average = group.spending, group.cost_per_job_usd
    return {
        "cost_usd": spending.cost_usd,
        "calls": spending.calls,
        "unpriced_calls": spending.unpriced,
        "input_tokens": spending.input_tokens,
        "output_tokens": spending.output_tokens,
        "cached_tokens": spending.cached_tokens,
        "cache_write_tokens": spending.cache_write_tokens,
        "jobs": group.jobs,
        "cost_per_job_usd": None if average is None else rounded(average),
        "cache_hits": spending.hits,
        "cache_saved_usd": spending.saved_usd,
        "lost_usd": spending.lost_usd,
    }


def export_row_of(row: "Row") -> ExportRow:
    """A row as it is shown."""
    return ExportRow(**{**asdict(row), "day": row.day.isoformat()})


def insight_of(insight: "Insight") -> InsightShape:
    """An insight as it is shown."""
    saving = insight.saving_usd.quantize(Decimal("1e-6"))
    return InsightShape(kind=insight.kind, task=insight.task, saving_usd=saving, text=insight.text)


def trend_of(trend: "Trend") -> TrendShape:
    """A trend as it is shown."""
    return TrendShape(
        today_usd=trend.today_usd,
        yesterday_usd=trend.yesterday_usd,
        week_average_usd=rounded(trend.week_average_usd),
        change_on_yesterday=trend.change_on_yesterday,
        change_on_week=trend.change_on_week,
    )


def projection_of(projection: "Projection") -> ProjectionShape:
    """A projection as it is shown."""
    return ProjectionShape(
        daily_average_usd=rounded(projection.daily_average_usd),
        monthly_usd=rounded(projection.monthly_usd),
        yearly_usd=rounded(projection.yearly_usd),
    )


def runway_of(runway: "Runway") -> RunwayShape:
    """A runway as it is shown."""
    return RunwayShape(
        scope=runway.scope,
        window=runway.window,
        limit_usd=runway.limit_usd,
        left_usd=runway.left_usd,
        a_day_usd=rounded(runway.a_day_usd),
        days=None if runway.days is None else round(runway.days, 2),
        runs_out_at=runway.runs_out_at,
        turns_at=runway.turns_at,
    )


def rounded(usd: Decimal) -> Decimal:
    """An average to the millionth of a millionth of a dollar; sums are exact as they are."""
    return usd.quantize(Decimal("1e-12"))
