"""What a call costs, from backstay.toml's [prices] first and from genai-prices' tables else."""

import functools
import time
from decimal import Decimal
from typing import TYPE_CHECKING

from backstay.config import Config, Kind, PriceSettings
from backstay.errors import ErrorClass
from backstay.llm.errors import LLMError
from backstay.llm.request import Request, Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, PriceCalculation

_MILLION = Decimal(1_000_000)
_STEP = 256
"""Requests of about one length are priced alike, once a minute."""
OWN_VERSION = "backstay.toml"
_PROVIDERS: dict[Kind, str] = {"bedrock": "aws"}
"""Where genai-prices calls a provider otherwise than we do."""


def price(settings: Config, provider: str, model: str, usage: Usage) -> tuple[Decimal | None, str]:
    """US dollars for these tokens and the table that says so; None while nobody has priced the model."""
    if own := settings.prices.get(f"{provider}/{model}"):
        return _by_own(own, usage), OWN_VERSION
    import genai_prices  # 0.4 s with its tables

    known = settings.providers[provider]
    try:
        calculation = _by_tables(known.kind, known.base_url, model, usage)
    except LookupError:
        return None, ""
    return calculation.total_price, f"genai-prices {genai_prices.__version__}"


def most_usd(settings: Config, provider: str, model: str, request: Request) -> Decimal:
    """The most that a call can cost, in US dollars, in the tier of price that so many tokens come into: every byte a
    token, all of them fresh, or all from a cache, or all written into one, and the answer as long as it may be.
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
    )
    if own:
        return max(_by_own(own, usage) for usage in usages)
    return max(_by_tables(kind, base_url, model, usage).total_price for usage in usages)


def _by_own(own: PriceSettings, usage: Usage) -> Decimal:
    cached_price = own.input if own.cached_input is None else own.cached_input
    fresh = usage.input_tokens - usage.cached_tokens
    return (fresh * own.input + usage.cached_tokens * cached_price + usage.output_tokens * own.output) / _MILLION


def _by_tables(kind: Kind, base_url: str | None, model: str, usage: Usage) -> "PriceCalculation":
    from genai_prices import Usage as Counted
    from genai_prices import calc_price

    counted = Counted(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    if kind == "compatible":
        return calc_price(counted, model, provider_api_url=base_url or "")
    return calc_price(counted, model, provider_id=_PROVIDERS.get(kind, kind))
