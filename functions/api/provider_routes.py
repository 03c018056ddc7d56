"""Providers of models: how they are, whether they answer, pausing one and going on. All of it concerns every tenant."""

from typing import TYPE_CHECKING, Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from backstay.access.key import Scope
from backstay.clock import utc_now
from backstay.trial import Trial

from .breaker_shapes import breaker_of
from .gate import caller_of, needs, require_every_tenant, routes
from .problems import Kind, Refusal, invalid
from .provider_shapes import Providers, ProviderShape, RateShape, credit_of, rate_of, today_of
from .services import services

if TYPE_CHECKING:
    from backstay.credit import CreditState
    from backstay.llm.activity import Tally
    from backstay.resilience.breaker import BreakerStats

router = routes()

ProviderName = Annotated[str, Path(description="As backstay.toml calls it.")]


@router.get("/api/providers", security=needs(Scope.READ), tags=["operation"], summary="List providers of models")
def list_providers() -> Providers:
    """Each with its breaker, rate and credit, and what it did today. Concerns every tenant, so the key must too."""
    require_every_tenant(caller_of(router), "what providers do")
    return Providers(providers=_shown(tuple(services().config.providers)))


@router.post("/api/providers/<name>/test", security=needs(Scope.OPERATE), tags=["operation"], summary="Try a provider")
def try_provider(
    name: ProviderName,
    model: Annotated[
        str | None, Query(max_length=200, description="By default the first that backstay.toml names of it.")
    ] = None,
) -> Trial:
    """Makes one tiny call, whatever its breaker says, and tells what happened. Concerns every tenant."""
    from .provider_trial import ask_for_trial, model_to_try

    _checked(name, "trying a provider")
    wanted = model or model_to_try(services().config, name)
    if wanted is None:
        raise invalid("model", f"is needed: no route and no price of backstay.toml names a model of {name!r}")
    return ask_for_trial(name, wanted)


@router.post(
    "/api/providers/<name>/pause", security=needs(Scope.OPERATE), tags=["operation"], summary="Pause a provider"
)
def pause_provider(name: ProviderName) -> ProviderShape:
    """No call is made of it until it is resumed; jobs go on to their next route, or wait. Concerns every tenant."""
    services().circuits.pause(_checked(name, "pausing a provider"))
    return _shown((name,))[0]


@router.post(
    "/api/providers/<name>/resume", security=needs(Scope.OPERATE), tags=["operation"], summary="Resume a provider"
)
def resume_provider(name: ProviderName) -> ProviderShape:
    """Calls are made of it again. One that is not paused stays as it is. Concerns every tenant."""
    services().circuits.resume(_checked(name, "resuming a provider"))
    return _shown((name,))[0]


def _checked(name: str, what: str) -> str:
    require_every_tenant(caller_of(router), what)
    names = services().config.providers
    if name not in names:
        raise Refusal(Kind.NOT_FOUND, f"there is no provider {name[:100]!r}; they are {', '.join(names) or 'none'}")
    return name


def _shown(names: tuple[str, ...]) -> list[ProviderShape]:
    from backstay.circuits import provider_circuit
    from backstay.credit import read_credits
    from backstay.llm.activity import read_today

    env = services().env
    breakers = {stats.name: stats for stats in services().circuits.list()}
    today = read_today(env.guards_table, names, utc_now())
    credits_ = read_credits(env.guards_table, names)
    return [_provider(name, breakers[provider_circuit(name)], today[name], credits_.get(name)) for name in names]


def _provider(name: str, breaker: "BreakerStats", today: "Tally", credit: "CreditState | None") -> ProviderShape:
    from backstay.circuits import PAUSED

    missing = _missing(name)
    return ProviderShape(
        name=name,
        kind=services().config.providers[name].kind,
        configured=missing is None,
        missing=missing,
        paused=breaker.held == PAUSED,
        breaker=breaker_of(breaker),
        rate=_rate(name),
        credit=credit_of(credit) if credit else None,
        today=today_of(today),
    )


def _missing(name: str) -> str | None:
    from backstay.llm.routes import Route, lack_of

    places = services().key_places
    return lack_of(services().config, Route(name, "any"), lambda secret: places.get(secret) is not None) or None


def _rate(name: str) -> RateShape | None:
    from backstay.rates import provider_rate

    rate = provider_rate(name, services().config.providers[name].limits, services().env.guards_table)
    return rate_of(rate.use()) if rate else None
