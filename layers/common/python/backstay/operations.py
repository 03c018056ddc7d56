"""What calls cost of providers that have no models: `[rates.<provider>]` of backstay.toml, by operation."""

import time
from decimal import Decimal
from typing import TYPE_CHECKING

from backstay.errors import ErrorClass, WorkError
from backstay.receipt import Call

if TYPE_CHECKING:
    from backstay.config import Config

OWN_VERSION = "backstay.toml"


def price_of(settings: "Config", provider: str, operation: str, quantity: Decimal) -> Decimal:
    """US dollars for so many units of an operation.

    Raises:
        WorkError: nobody has priced it (`unpriced`); names the line to add.
    """
    rate = settings.rates.get(provider, {}).get(operation)
    if rate is None:
        known = ", ".join(sorted(settings.rates.get(provider, {}))) or "none"
        raise WorkError(
            ErrorClass.UNPRICED,
            f"nobody has priced operation {operation!r} of provider {provider!r} (known: {known}); add {operation} = … "
            f"below [rates.{provider}] of backstay.toml, in US dollars for one, 0 where it costs nothing",
        )
    return rate * quantity


def call_of(
    provider: str, operation: str, quantity: Decimal, cost_usd: Decimal, *, began: float, reservation: str = ""
) -> Call:
    """A call's line in the receipt.

    Args:
        provider: who was paid.
        operation: what for.
        quantity: how many units of it.
        cost_usd: US dollars for all of them.
        began: when the call did, in monotonic seconds.
        reservation: what was reserved for it.
    """
    return Call(
        provider=provider,
        model="",
        input_tokens=0,
        output_tokens=0,
        latency_ms=round((time.monotonic() - began) * 1000),
        cost_usd=cost_usd,
        price_version=OWN_VERSION,
        reservation=reservation,
        operation=operation,
        quantity=quantity,
    )
