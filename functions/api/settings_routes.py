"""What backstay.toml says, without anything that is secret or could be."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import Field

from backstay.access.key import Scope

from .gate import caller_of, needs, require_every_tenant, routes
from .services import services
from .shapes import Amount, Shape

if TYPE_CHECKING:
    from backstay.config import Config
    from backstay.config import PriceSettings as Price
    from backstay.provider_settings import ProviderSettings

router = routes()


class ProviderSettingsShape(Shape):
    """A provider of models."""

    kind: str
    host: Annotated[str | None, Field(description="Where it is; by default the provider's own address.")]
    has_key: Annotated[bool, Field(description="Whether a secret is named for it.")]
    timeout_s: int
    limits: dict[str, int | None]
    breaker: dict[str, int]


class PriceShape(Shape):
    """US dollars per million tokens."""

    input: Amount
    output: Amount
    cached_input: Amount | None
    cache_write: Amount | None


class RuleShape(Shape):
    """What people are told of."""

    enabled: bool
    severity: str
    threshold: Amount | None
    minutes: int | None


class Settings(Shape):
    """What this stage was deployed with. Addresses are shown by their host; secrets, headers and texts not at all."""

    stage: str
    log_level: str
    cors_origins: list[str]
    providers: dict[str, ProviderSettingsShape]
    routes: Annotated[list[str], Field(description="Where calls go that name no routes, in order.")]
    tiers: dict[str, list[str]]
    prices: Annotated[dict[str, PriceShape], Field(description="Those that stand in backstay.toml.")]
    rates: Annotated[dict[str, dict[str, Amount]], Field(description="Of providers without models, by operation.")]
    keep_days: Annotated[dict[str, int], Field(description="How long jobs and chats are kept.")]
    outbound_hosts: Annotated[list[str], Field(description="Public hosts that jobs may call.")]
    credits: Annotated[dict[str, Amount], Field(description="When people are told of credit, in US dollars.")]
    rules: dict[str, RuleShape]
    channels: Annotated[dict[str, str], Field(description="Where people are told: name and kind.")]


@router.get("/api/config", security=needs(Scope.READ), tags=["operation"], summary="What backstay.toml says")
def settings() -> Settings:
    """Without anything that is secret, or that could be. Concerns every tenant, so the key must too."""
    require_every_tenant(caller_of(router), "how the house is set up")
    return _shown(services().config)


def _shown(config: "Config") -> Settings:
    chats, jobs = config.chats.keep_days, config.jobs.model_dump()
    return Settings(
        stage=services().env.stage,
        log_level=config.log_level,
        cors_origins=list(config.cors_origins),
        providers={name: _provider(one) for name, one in config.providers.items()},
        routes=list(config.routes.default),
        tiers={tier: list(routes) for tier, routes in config.routes.tiers},
        prices={route: _price(one) for route, one in config.prices.items()},
        rates={name: dict(operations) for name, operations in config.rates.items()},
        keep_days={"chats": chats, **{key.removeprefix("keep_").removesuffix("_days"): n for key, n in jobs.items()}},
        outbound_hosts=list(config.outbound.allow_hosts),
        credits=config.credits.model_dump(),
        rules={
            name: RuleShape(
                enabled=rule.enabled, severity=str(rule.severity), threshold=rule.threshold, minutes=rule.minutes
            )
            for name, rule in services().rules.items()
        },
        channels={name: channel.kind for name, channel in config.alerts.channels.items()},
    )


def _provider(settings: "ProviderSettings") -> ProviderSettingsShape:
    return ProviderSettingsShape(
        kind=settings.kind,
        host=urlsplit(settings.base_url).hostname if settings.base_url else None,
        has_key=settings.secret is not None,
        timeout_s=settings.timeout_s,
        limits=settings.limits.model_dump(),
        breaker=settings.breaker.model_dump(),
    )


def _price(price: "Price") -> PriceShape:
    return PriceShape(
        input=price.input, output=price.output, cached_input=price.cached_input, cache_write=price.cache_write
    )
