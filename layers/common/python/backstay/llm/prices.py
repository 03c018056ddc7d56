"""What a call costs, from backstay.toml's [prices] first and from genai-prices' tables else."""

import functools
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from backstay.config import Config, Kind, PriceSettings
from backstay.errors import ErrorClass
from backstay.llm.errors import LLMError
from backstay.llm.request import Request, Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo

_MILLION = Decimal(1_000_000)
_STEP = 256
"""Requests of about one length are priced alike, once a minute."""
OWN_VERSION = "backstay.toml"
TOLD_VERSION = "openrouter"
"""The price table of what OpenRouter says that it charges."""
_BATCH = "batch"
_SHARES: Mapping[tuple[Kind, str], Decimal] = {
    ("anthropic", _BATCH): Decimal("0.5"),
    ("openai", _BATCH): Decimal("0.5"),
    ("azure", _BATCH): Decimal("0.5"),
    ("bedrock", _BATCH): Decimal("0.5"),
    ("bedrock", "flex"): Decimal("0.5"),
    ("bedrock", "priority"): Decimal("1.75"),
}
"""Of the usual price, where the tables have none for a class of service (the providers' pages on prices, 2026)."""
_PROVIDERS: dict[Kind, str] = {"bedrock": "aws"}
"""Where genai-prices calls a provider otherwise than we do."""


def price(settings: Config, provider: str, model: str, usage: Usage) -> tuple[Decimal | None, str]:
    """US dollars for these tokens and the table that says so; None while nobody has priced the model.

    What OpenRouter itself says that it charges is believed before tables, and backstay.toml before all.
    """
    if own := settings.prices.get(f"{provider}/{model}"):
        return _by_own(own, usage), OWN_VERSION
    known = settings.providers[provider]
    if usage.charged_usd is not None and known.kind == "openrouter":
        return usage.charged_usd, TOLD_VERSION
    import genai_prices  # 0.4 s with its tables

    try:
        usd = _by_tables(known.kind, known.base_url, model, usage)
    except LookupError:
        return None, ""
    return usd, f"genai-prices {genai_prices.__version__}"


def most_usd(settings: Config, provider: str, model: str, request: Request) -> Decimal:
    """The most that a call can cost, in US dollars, in the tier of price that so many tokens come into: every byte a
    token, all of them fresh, or all from a cache, or all written into one for the longest time, and the longest answer.
    """
    own, known = settings.prices.get(f"{provider}/{model}"), settings.providers[provider]
    read = -(-request.most_input_tokens // _STEP) * _STEP
    minute = int(time.time() // 60)  # a price may change with the time of day
    return _most(own, known.kind, known.base_url, model, read, request.max_output_tokens, minute)


def require_price(settings: Config, provider: str, model: str) -> None:
    """See to it that a call can be priced, before money is spent.

    Raises:
        LLMError: nobody has priced the model; names the lines to add.
    """
    route = f"{provider}/{model}"
    known = settings.providers[provider]
    if route in settings.prices or model_in_tables(known.kind, known.base_url, model):
        return
    raise LLMError(
        ErrorClass.UNPRICED,
        f'nobody has priced this model; add [prices."{route}"] to backstay.toml with input = … and output = … '
        "(US dollars per million tokens, 0 where it costs nothing), or mend the model's name",
        route=route,
    )


@functools.lru_cache(maxsize=256)
def model_in_tables(kind: Kind, base_url: str | None, model: str) -> "ModelInfo | None":
    """What genai-prices knows of a model, if it knows it."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        provider_id, address = (None, base_url or "") if kind == "compatible" else (_PROVIDERS.get(kind, kind), None)
        _, found = get_snapshot().find_provider_model(model, None, provider_id, address)
    except LookupError:
        return None
    return found


@functools.lru_cache(maxsize=1024)
def _most(
    own: PriceSettings | None,
    kind: Kind,
    base_url: str | None,
    model: str,
    read: int,
    written: int,
    minute: int,  # noqa: ARG001 - until when it may be remembered
) -> Decimal:
    usages = (
        Usage(read, written),
        Usage(read, written, cached_tokens=read),
        Usage(read, written, cache_write_tokens=read),
        Usage(read, written, cache_write_tokens=read, cache_write_1h_tokens=read),
    )
    if own:
        return max(_by_own(own, usage) for usage in usages)
    return max(_by_tables(kind, base_url, model, usage) for usage in usages)


def _by_own(own: PriceSettings, usage: Usage) -> Decimal:
    cached_price = own.input if own.cached_input is None else own.cached_input
    written_price = own.input if own.cache_write is None else own.cache_write
    kept_price = written_price if own.cache_write_1h is None else own.cache_write_1h
    usd = (
        (usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens) * own.input
        + usage.cached_tokens * cached_price
        + (usage.cache_write_tokens - usage.cache_write_1h_tokens) * written_price
        + usage.cache_write_1h_tokens * kept_price
        + usage.output_tokens * own.output
    ) / _MILLION
    return usd * own.batch_share if usage.service == _BATCH else usd


def _by_tables(kind: Kind, base_url: str | None, model: str, usage: Usage) -> Decimal:
    usual = _calculate(kind, base_url, model, usage, {})
    if not usage.service:
        return usual
    context = {"processing": _BATCH} if usage.service == _BATCH else {"service_tier": usage.service}
    usd = _calculate(kind, base_url, model, usage, context)
    return usd if usd != usual else usual * _SHARES.get((kind, usage.service), Decimal(1))


def _calculate(kind: Kind, base_url: str | None, model: str, usage: Usage, context: Mapping[str, str]) -> Decimal:
    from genai_prices import Usage as Counted
    from genai_prices import calc_price

    counted = Counted(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
    )
    if kind == "compatible":
        return calc_price(counted, model, provider_api_url=base_url or "", price_context=context).total_price
    provider = _PROVIDERS.get(kind, kind)
    return calc_price(counted, model, provider_id=provider, price_context=context).total_price
