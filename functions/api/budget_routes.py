"""Budgets: how they stand, and limits that are changed at run time."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from backstay.access.caller import Caller
from backstay.access.key import EVERY_TENANT, Scope
from backstay.clock import utc_now

from .budget_shapes import Budgets, BudgetShape, LimitRequest, WindowName, budget_of
from .gate import caller_of, needs, require_every_tenant, routes
from .problems import Kind, Refusal, invalid
from .services import services

if TYPE_CHECKING:
    from backstay.budgets.budget import Budget

router = routes()

ScopeName = Annotated[str, Path(description="Such as `total`, `provider:openai`, `tenant:acme`, `task:enhance-story`.")]

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@router.get("/api/budgets", security=needs(Scope.READ), tags=["money"], summary="List budgets")
def list_budgets(
    kind: Annotated[
        str | None, Query(description="total, provider, tenant, task, key or quota; all by default.", max_length=20)
    ] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Budgets:
    """Those that were ever spent from, and those that backstay.toml names. A key of one tenant sees two: the tenant's
    and its own."""
    from backstay.budgets.scope import KINDS

    caller = caller_of(router)
    if kind is not None and kind not in KINDS:
        raise invalid("kind", f"there is no such kind of budget; the kinds are {', '.join(KINDS)}", kind)
    if caller.tenant != EVERY_TENANT:
        own = [scope for scope in _own(caller) if kind in (None, scope.partition(":")[0])]
        return Budgets(budgets=[_shown(one) for one in services().standing.read(own)], cursor=None)
    page = services().standing.page((kind,) if kind else KINDS, cursor, limit)
    return Budgets(budgets=[_shown(one) for one in page.budgets], cursor=page.after)


@router.get("/api/budgets/<scope>", security=needs(Scope.READ), tags=["money"], summary="Read a budget")
def read_budget(scope: ScopeName) -> BudgetShape:
    """Also one from which nothing has been spent yet."""
    caller, wanted = caller_of(router), unquote(scope)
    if wanted not in _own(caller):
        require_every_tenant(caller, f"budget {wanted[:100]}")
    return _shown(services().standing.read([_checked(wanted)])[0])


@router.put(
    "/api/budgets/<scope>/<window>",
    security=needs(Scope.OPERATE),
    tags=["money"],
    summary="Set a limit",
    openapi_extensions={"x-refuses": [409]},
)
def set_limit(scope: ScopeName, window: WindowName, limit: LimitRequest) -> BudgetShape:
    """Holds from the next call on, whatever backstay.toml says. Jobs that wait for the money go on when it is raised.
    Needs a key of every tenant: a limit is not for the one whom it limits."""
    from backstay.budgets.budget import Limit
    from backstay.budgets.periods import Window

    require_every_tenant(caller_of(router), "a limit")
    wanted = None if limit.limit is None else Limit(limit.limit, limit.hard)
    return _shown(services().standing.set_limit(_checked(unquote(scope)), Window(window), wanted))


@router.delete(
    "/api/budgets/<scope>/<window>",
    security=needs(Scope.OPERATE),
    tags=["money"],
    summary="Give a limit back to backstay.toml",
    openapi_extensions={"x-refuses": [409]},
)
def reset_limit(scope: ScopeName, window: WindowName) -> BudgetShape:
    """What was set at run time is forgotten; what is spent stays spent."""
    from backstay.budgets.periods import Window

    require_every_tenant(caller_of(router), "a limit")
    return _shown(services().standing.reset_limit(_checked(unquote(scope)), Window(window)))


def _own(caller: Caller) -> tuple[str, ...]:
    return (f"tenant:{caller.tenant}", f"key:{caller.key_id}")


def _checked(scope: str) -> str:
    """The scope, if there can be a budget of this name."""
    from backstay.budgets.scope import QUOTA, named_scopes

    kind, colon, name = scope.partition(":")
    is_one_of: dict[str, Callable[[str], bool]] = {
        "provider": _is_provider,
        "tenant": _is_tenant,
        "task": lambda name: name in services().catalog.names,
        "key": lambda name: bool(_KEY_ID.fullmatch(name)),
        "quota": lambda name: f"quota:{name}" in named_scopes(QUOTA, services().config.budgets),
    }
    if scope != "total" and not (colon and kind in is_one_of and is_one_of[kind](name)):
        forms = ", ".join(f"{kind}:NAME" for kind in is_one_of)
        raise Refusal(Kind.NOT_FOUND, f"there is no budget {scope[:100]!r}; budgets are total, {forms}")
    return scope


def _is_provider(name: str) -> bool:
    settings = services().config
    return name in settings.providers or name in settings.rates or name in settings.budgets.providers


def _is_tenant(name: str) -> bool:
    from backstay.jobs.keys import is_tenant

    return is_tenant(name)


def _shown(budget: "Budget") -> BudgetShape:
    return budget_of(budget, utc_now())
