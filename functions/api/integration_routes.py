"""What the house is connected to: providers, hosts that jobs call, channels by which people are told."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from backstay.access.key import Scope

from .gate import caller_of, needs, require_every_tenant, routes
from .house_shapes import provider_of
from .services import services
from .shapes import Amount, Shape

if TYPE_CHECKING:
    from backstay.costs.spending import Spending
    from backstay.jobs.stats import TaskStats
    from backstay.resilience.breaker import BreakerStats

    from .house import HouseState

router = routes()

_OWN_TASKS = {"call-http": "calls of HTTP APIs", "deliver-webhook": "webhooks", "deliver-alert": "alerts' messages"}
_HOST = "host:"


class IntegrationShape(Shape):
    """One thing outside that the house is connected to."""

    name: str
    kind: Literal["model provider", "priced provider", "host", "deliveries", "alert channel"]
    state: Annotated[str | None, Field(description="Of its breaker, or paused; none where it has none.")]
    success_rate: Annotated[
        float | None, Field(description="Of models: of today's calls; of deliveries: of the last hour's.")
    ]
    average_latency_ms: float | None
    calls_today: Annotated[int | None, Field(description="That were paid for.")]
    cost_today_usd: Amount | None
    detail: str


class Integrations(Shape):
    """All of them."""

    integrations: list[IntegrationShape]


@router.get("/api/integrations", security=needs(Scope.READ), tags=["operation"], summary="What the house talks to")
def integrations() -> Integrations:
    """Providers of models, providers whose operations have a price, hosts, deliveries and channels of alerts, each with
    how it does. Concerns every tenant, so the key must too."""
    from .house import read_house

    require_every_tenant(caller_of(router), "what the house talks to")
    house, config = read_house(None), services().config
    spent = _spent_by_provider(house)
    shown = [_of_breaker(breaker, house, spent) for breaker in house.breakers]
    shown += [_of_rates(name, list(operations), spent) for name, operations in config.rates.items()]
    shown += [_of_deliveries(task) for task in (house.stats.tasks if house.stats else ()) if task.task in _OWN_TASKS]
    shown += [
        _plain(name, "alert channel", f"tells people by {channel.kind}")
        for name, channel in config.alerts.channels.items()
    ]
    return Integrations(integrations=shown)


def _of_breaker(breaker: "BreakerStats", house: "HouseState", spent: "dict[str, Spending]") -> IntegrationShape:
    health = provider_of(breaker, house)
    is_host = breaker.name.startswith(_HOST)
    money = None if is_host else spent.get(health.name)
    return IntegrationShape(
        name=health.name.removeprefix(_HOST),
        kind="host" if is_host else "model provider",
        state=health.state,
        success_rate=health.success_rate,
        average_latency_ms=health.average_latency_ms,
        calls_today=money.calls if money else None,
        cost_today_usd=money.cost_usd if money else None,
        detail="jobs may call it" if is_host else services().config.providers[health.name].kind,
    )


def _of_rates(name: str, operations: list[str], spent: "dict[str, Spending]") -> IntegrationShape:
    money = spent.get(name)
    more = {"calls_today": money.calls, "cost_today_usd": money.cost_usd} if money else {}
    return _plain(name, "priced provider", ", ".join(operations)).model_copy(update=more)


def _of_deliveries(task: "TaskStats") -> IntegrationShape:
    counts = task.counts
    more = {"success_rate": counts.success_rate, "average_latency_ms": counts.average_run_ms}
    return _plain(task.task, "deliveries", _OWN_TASKS[task.task]).model_copy(update=more)


def _plain(name: str, kind: Literal["priced provider", "deliveries", "alert channel"], detail: str) -> IntegrationShape:
    return IntegrationShape(
        name=name,
        kind=kind,
        state=None,
        success_rate=None,
        average_latency_ms=None,
        calls_today=None,
        cost_today_usd=None,
        detail=detail,
    )


def _spent_by_provider(house: "HouseState") -> "dict[str, Spending]":
    from backstay.costs.report import By, groups

    return {group.name: group.spending for group in groups(house.lines, By.PROVIDER)}
