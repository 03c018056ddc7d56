"""Credit at providers that don't tell what is left: what was bought, what is spent, and when it runs out."""

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import Field

from backstay.access.key import Scope
from backstay.clock import utc_now
from backstay.jobs import keys

from .gate import caller_of, needs, require_every_tenant, routes
from .job_routes import IdempotencyKey
from .problems import Kind, Refusal, invalid
from .services import services
from .shapes import Moment, Shape, example

if TYPE_CHECKING:
    from backstay.budgets.budget import Budget
    from backstay.budgets.top_ups import Bought

router = routes()

ProviderName = Annotated[str, Path(description="As backstay.toml calls it.", max_length=32)]


class TopUpRequest(Shape):
    """Credit that was bought."""

    model_config = example({"usd": "100.00", "note": "invoice 17"})

    usd: Annotated[
        Decimal,
        Field(gt=-(10**9), lt=10**9, decimal_places=12, description="Below 0 puts right what was told wrongly."),
    ]
    note: Annotated[str, Field(max_length=200)] = ""
    idempotency_key: Annotated[
        str | None, Field(min_length=1, max_length=200, description="The same once more is noted once.")
    ] = None


class TopUpShape(Shape):
    """Credit that somebody bought."""

    at: Moment
    usd: Decimal
    note: str


class BoughtCredit(Shape):
    """What is left at a provider, by what was bought and what its budget has spent since. US dollars."""

    provider: str
    bought_usd: Decimal
    spent_usd: Annotated[Decimal, Field(description="Since the first top-up; calls under way not counted.")]
    left_usd: Decimal
    a_day_usd: Annotated[Decimal, Field(description="Spent on average of the last seven days.")]
    runs_out_at: Annotated[Moment | None, Field(description="At that rate; none: not within ten years.")]
    top_ups: Annotated[list[TopUpShape], Field(description="The oldest first.")]


class Credits(Shape):
    """Of every provider from whom credit was bought."""

    credits: list[BoughtCredit]


@router.get("/api/credits", security=needs(Scope.READ), tags=["money"], summary="What is left of bought credit")
def list_credits() -> Credits:
    """With a forecast. OpenRouter tells by itself what is left: `GET /api/providers`. Concerns every tenant."""
    require_every_tenant(caller_of(router), "credit")
    return Credits(credits=_shown(_providers()))


@router.post(
    "/api/credits/<provider>/top-ups",
    security=needs(Scope.OPERATE),
    tags=["money"],
    summary="Note that credit was bought",
    status_code=201,
)
def top_up(provider: ProviderName, top_up: TopUpRequest, idempotency_key: IdempotencyKey = None) -> BoughtCredit:
    """The first one is what is left now; from then on every call burns it down. Where calls were held because the
    provider wanted to be paid, they go on. Concerns every tenant."""
    from backstay.budgets.top_ups import TopUp

    require_every_tenant(caller_of(router), "credit")
    if provider not in _providers():
        raise Refusal(Kind.NOT_FOUND, f"there is no provider {provider[:100]!r}; they are {', '.join(_providers())}")
    if top_up.idempotency_key and idempotency_key and top_up.idempotency_key != idempotency_key:
        raise invalid("idempotency_key", "differs from the header Idempotency-Key; send one", top_up.idempotency_key)
    key = top_up.idempotency_key or idempotency_key or keys.fresh_key()
    (budget,) = services().standing.read([f"provider:{provider}"])
    services().top_ups.add(budget, TopUp(top_up.usd, utc_now(), top_up.note), key)
    if top_up.usd > 0 and provider in services().config.providers:
        services().circuits.credit_is_back(provider)
    return _shown((provider,))[0]


def _providers() -> tuple[str, ...]:
    settings = services().config
    return tuple(dict.fromkeys((*settings.providers, *settings.rates)))


def _shown(providers: tuple[str, ...]) -> list[BoughtCredit]:
    from backstay.costs.report import HISTORY_DAYS, rates_of_everybody

    found = services().top_ups.read(providers)
    today = utc_now().date()
    lines = services().cost_book.of(None, today - timedelta(days=HISTORY_DAYS), today) if found else []
    rates = rates_of_everybody(lines, today)
    budgets = services().standing.read([f"provider:{one.provider}" for one in found])
    return [
        _credit(one, budget, rates.get(budget.scope, Decimal(0))) for one, budget in zip(found, budgets, strict=True)
    ]


def _credit(bought: "Bought", budget: "Budget", a_day: Decimal) -> BoughtCredit:
    from backstay.budgets.amounts import shown
    from backstay.budgets.top_ups import runs_out_at

    scope, left = budget.scope, bought.left(budget)
    return BoughtCredit(
        provider=bought.provider,
        bought_usd=shown(scope, bought.usd),
        spent_usd=shown(scope, bought.spent(budget)),
        left_usd=shown(scope, left),
        a_day_usd=shown(scope, round(a_day, 12)),
        runs_out_at=runs_out_at(left, a_day, utc_now()),
        top_ups=[TopUpShape(at=one.at, usd=one.usd, note=one.note) for one in bought.top_ups],
    )
