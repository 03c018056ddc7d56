"""Tells people of credit that was bought of providers without models. They have no alarms, which cost by the month."""

from decimal import Decimal

from backstay.alerts.occurrence import Kind
from backstay.alerts.reporting import report
from backstay.config import CreditSettings


def tell_what_is_left(provider: str, left_usd: Decimal, limits: CreditSettings) -> None:
    """Tell that it runs low, or that it no longer does; the same again is no news.

    Args:
        provider: of `[rates]`.
        left_usd: of what was bought of it, in US dollars.
        limits: below what that is little.
    """
    bounds = {"cost.credits_low": limits.warn_below_usd, "cost.credits_critical": limits.critical_below_usd}
    for rule, below_usd in bounds.items():
        note = f"note it: backstay credits top-up {provider}"
        text = f"Less than ${below_usd} is left at {provider}: top it up, and {note}"
        report(rule, provider, text, kind=Kind.BEGINS if left_usd < below_usd else Kind.ENDS)
