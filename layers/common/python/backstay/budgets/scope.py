"""Whose money a call spends: the names of its scopes, and the limits that backstay.toml gives each of them."""

from collections.abc import Mapping
from decimal import Decimal

from backstay.budget_settings import OTHERS, BudgetSettings, BudgetsSettings
from backstay.budgets.budget import Limit
from backstay.budgets.periods import Window

TOTAL = "total"

QUOTA = "quota"

KINDS = (TOTAL, "provider", "tenant", "task", "key", QUOTA)
"""In the order in which they are shown."""

Limits = Mapping[Window, Limit]


def scopes_of(
    provider: str, *, tenant: str | None = None, task: str | None = None, key_id: str | None = None
) -> tuple[str, ...]:
    """All scopes of a call, such as `total`, `provider:openai`, `tenant:acme`."""
    named = {"provider": provider, "tenant": tenant, "task": task, "key": key_id}
    return (TOTAL, *(f"{kind}:{name}" for kind, name in named.items() if name))


def kind_of(scope: str) -> str:
    """The first word of a scope, one of `KINDS`."""
    return scope.partition(":")[0]


def named_scopes(kind: str, settings: BudgetsSettings) -> tuple[str, ...]:
    """The scopes of a kind that backstay.toml has tables for."""
    if kind == TOTAL:
        return (TOTAL,)
    if kind == QUOTA:
        return tuple(scope for provider in sorted(settings.quotas) for scope in quotas_of(provider, settings))
    tables: dict[str, BudgetSettings] = getattr(settings, f"{kind}s")
    return tuple(f"{kind}:{name}" for name in sorted(tables) if name != OTHERS)


def quotas_of(provider: str, settings: BudgetsSettings) -> tuple[str, ...]:
    """The scopes that count what a provider grants, such as `quota:openai:requests`; none where nothing bounds it."""
    quota = settings.quotas.get(provider)
    return tuple(f"{QUOTA}:{provider}:{name}" for name, of in quota if of is not None) if quota else ()


def counts_of(provider: str, settings: BudgetsSettings, **most: int) -> tuple[tuple[str, Decimal], ...]:
    """What a call takes at most of a provider's quotas, by scope.

    Args:
        provider: who is called.
        settings: the `[budgets]` of backstay.toml.
        most: by measure, such as `requests=1`.
    """
    scopes = quotas_of(provider, settings)
    return tuple((scope, Decimal(most[name])) for scope in scopes if (name := scope.rpartition(":")[2]) in most)


def limits_of(scope: str, settings: BudgetsSettings) -> Limits:
    """What backstay.toml allows a scope; a window without a limit is left out."""
    found = settings_of(scope, settings)
    amounts = {window: getattr(found, window.value) for window in Window}
    return {
        window: Limit(amount, hard=window.value not in found.soft)
        for window, amount in amounts.items()
        if amount is not None
    }


def measure_of(scope: str) -> str | None:
    """What a quota counts, such as `requests`; None where a budget is of money."""
    kind, _, name = scope.partition(":")
    return name.rpartition(":")[2] if kind == QUOTA else None


def settings_of(scope: str, settings: BudgetsSettings) -> BudgetSettings:
    """What backstay.toml says of a scope."""
    if scope == TOTAL:
        return settings.total
    kind, _, name = scope.partition(":")
    if kind == QUOTA:
        provider, _, measure = name.rpartition(":")
        return getattr(settings.quotas.get(provider), measure, None) or BudgetSettings()
    tables: dict[str, BudgetSettings] = getattr(settings, f"{kind}s")
    return tables.get(name) or tables.get(OTHERS) or BudgetSettings()
