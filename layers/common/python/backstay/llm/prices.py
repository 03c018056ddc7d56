"""What a call costs, from backstay.toml's [prices] first and from genai-prices' tables else."""

from decimal import Decimal
from typing import TYPE_CHECKING

from backstay.config import Config, PriceSettings
from backstay.llm.request import Usage

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

_MILLION = Decimal(1_000_000)
OWN_VERSION = "backstay.toml"


def price(settings: Config, provider: str, model: str, usage: Usage) -> tuple[Decimal | None, str]:
    """US dollars for these tokens and the table that says so; None while nobody has priced the model."""
    if own := settings.prices.get(f"{provider}/{model}"):
        return _by_own(own, usage), OWN_VERSION
    import genai_prices  # 0.4 s with its tables, and only once an answer is there

    try:
        calculation = _by_tables(settings, provider, model, usage)
    except LookupError:
        return None, ""
    return calculation.total_price, f"genai-prices {genai_prices.__version__}"


def _by_own(own: PriceSettings, usage: Usage) -> Decimal:
    cached_price = own.input if own.cached_input is None else own.cached_input
    fresh = usage.input_tokens - usage.cached_tokens
    return (fresh * own.input + usage.cached_tokens * cached_price + usage.output_tokens * own.output) / _MILLION


def _by_tables(settings: Config, provider: str, model: str, usage: Usage) -> "PriceCalculation":
    from genai_prices import Usage as Counted
    from genai_prices import calc_price

    counted = Counted(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    known = settings.providers[provider]
    if known.kind == "compatible":
        return calc_price(counted, model, provider_api_url=known.base_url or "")
    return calc_price(counted, model, provider_id=known.kind)
