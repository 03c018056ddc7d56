"""Amounts as people read them: money to the cent or as far as there is more to say, counts as whole numbers."""

from decimal import Decimal

from backstay.budgets.scope import measure_of

_CENT = Decimal("0.01")


def shown(scope: str, amount: Decimal) -> Decimal:
    """The same amount: of money with at least two decimals, and further ones only where there is more to say."""
    if measure_of(scope):
        return Decimal(f"{amount.normalize():f}")
    cents = amount.quantize(_CENT)
    return cents if cents == amount else Decimal(f"{amount.normalize():f}")


def text_of(scope: str, amount: Decimal) -> str:
    """Such as `$12.50`; of a quota such as `1,500 requests`."""
    measure = measure_of(scope)
    return f"{amount:,.0f} {measure}" if measure else f"${shown(scope, amount)}"
