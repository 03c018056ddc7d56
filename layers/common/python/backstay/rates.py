"""The rates of providers: their shared items' names, and their limits as backstay.toml gives them."""

from typing import TYPE_CHECKING

from backstay.resilience.rate_limit import RateLimit
from backstay.resilience.window import RateLimits

if TYPE_CHECKING:
    from backstay.config import LimitSettings


def provider_rate(name: str, limits: "LimitSettings", table: str) -> RateLimit | None:
    """The rate of a provider, or None where backstay.toml sets no limit. One object a process and provider.

    Args:
        name: the provider's.
        limits: its `[providers.<name>.limits]`.
        table: the guards table.
    """
    found = RateLimits(limits.requests_per_minute, limits.tokens_per_minute, limits.requests_per_day)
    if found.requests is None and found.tokens is None and found.requests_a_day is None:
        return None
    return RateLimit(name, found, table)
