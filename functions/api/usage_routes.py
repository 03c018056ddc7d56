"""Spending that happened elsewhere, told to Backstay so that budgets and reports hold it too."""

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from backstay.access.key import Scope
from backstay.clock import utc_now
from backstay.jobs import keys

from .gate import caller_of, needs, require_every_tenant, routes
from .job_routes import IdempotencyKey
from .problems import invalid
from .services import services
from .shapes import Amount, Shape, TenantName, example

if TYPE_CHECKING:
    from backstay.budgets.elsewhere import Spent
    from backstay.receipt import Call

router = routes()

NO_TASK = "elsewhere"
"""What stands for the task in reports where none was named."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./:-]{0,99}$")]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Tokens = Annotated[int, Field(ge=0, le=10**12)]


class UsageRequest(Shape):
    """What was used, of whom, for whom."""

    model_config = example({"provider": "twilio", "operation": "sms_us", "quantity": 120, "tenant": "acme"})

    provider: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    operation: Annotated[Name | None, Field(description="What was asked of a provider that has no models.")] = None
    quantity: Annotated[Decimal, Field(gt=0, le=10**9, description="How many units of the operation.")] = Decimal(1)
    model: Annotated[Name | None, Field(description="Or the model that was called.")] = None
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    requests: Annotated[int, Field(ge=1, le=10**9, description="How many calls it was; for quotas.")] = 1
    cost_usd: Annotated[
        Decimal | None,
        Field(ge=0, max_digits=24, decimal_places=12, description="By default what backstay.toml says that it costs."),
    ] = None
    tenant: Annotated[TenantName | None, Field(description="By default the tenant `default`, as of jobs.")] = None
    task: Annotated[Name | None, Field(description="Whose task's budget it is of, too.")] = None
    key_id: Annotated[Name | None, Field(description="Which API key's budget it is of, too.")] = None
    tags: Annotated[tuple[Tag, ...], Field(max_length=10)] = ()
    idempotency_key: Annotated[
        str | None, Field(min_length=1, max_length=200, description="The same once more is counted once, for two days.")
    ] = None


class UsageShape(Shape):
    """What was booked."""

    idempotency_key: str
    cost_usd: Amount
    budgets: Annotated[list[str], Field(description="In which it counts as spent.")]


@router.post(
    "/api/usage",
    security=needs(Scope.OPERATE),
    tags=["money"],
    summary="Record spending that happened elsewhere",
    status_code=201,
    openapi_extensions={"x-refuses": [409]},
)
def record_usage(usage: UsageRequest, idempotency_key: IdempotencyKey = None) -> UsageShape:
    """Counts as spent whatever the limits are, in budgets, quotas and reports, all at once or not at all. It takes from
    what belongs to everybody, so the key must be of every tenant."""
    from backstay.costs.rows import updates
    from backstay.costs.spending import spendings_of_usage

    caller = caller_of(router)
    require_every_tenant(caller, "usage")
    if usage.idempotency_key and idempotency_key and usage.idempotency_key != idempotency_key:
        raise invalid("idempotency_key", "differs from the header Idempotency-Key; send one", usage.idempotency_key)
    tenant, call = caller.tenant_for(usage.tenant), _call_of(usage)
    key = usage.idempotency_key or idempotency_key or keys.fresh_key()
    spent = _spent(usage, call, tenant, key)
    lines = spendings_of_usage(call, tenant, usage.task or NO_TASK, usage.tags, utc_now())
    services().elsewhere.book(spent, updates(services().env.jobs_table, lines))
    scopes = [*spent.scopes, *(scope for scope, _ in spent.counts)]
    return UsageShape(idempotency_key=key, cost_usd=spent.usd, budgets=scopes)


def _spent(usage: UsageRequest, call: "Call", tenant: str, key: str) -> "Spent":
    from backstay.budgets.elsewhere import Spent
    from backstay.budgets.scope import counts_of, scopes_of

    tokens = usage.input_tokens + usage.output_tokens
    return Spent(
        key=key,
        usd=call.cost_usd or Decimal(0),
        scopes=scopes_of(usage.provider, tenant=tenant, task=usage.task, key_id=usage.key_id),
        counts=counts_of(usage.provider, services().config.budgets, requests=usage.requests, tokens=tokens),
    )


def _call_of(usage: UsageRequest) -> "Call":
    from backstay.operations import call_of
    from backstay.receipt import Call

    if (usage.operation is None) == (usage.model is None):
        raise invalid("operation", "name either the operation or the model", usage.operation)
    if usage.operation is not None:
        cost_usd = _cost_of_operation(usage, usage.operation)
        return call_of(usage.provider, usage.operation, usage.quantity, cost_usd, began=time.monotonic())
    cost_usd, version = _cost_of_model(usage)
    return Call(usage.provider, usage.model or "", usage.input_tokens, usage.output_tokens, 0, cost_usd, 0, version)


def _cost_of_operation(usage: UsageRequest, operation: str) -> Decimal:
    from backstay.errors import WorkError
    from backstay.operations import price_of

    if usage.cost_usd is not None:
        return usage.cost_usd
    try:
        return price_of(services().config, usage.provider, operation, usage.quantity)
    except WorkError as error:
        raise invalid("operation", f"{error}; or give cost_usd", operation) from error


def _cost_of_model(usage: UsageRequest) -> tuple[Decimal, str]:
    """What was paid, or what `[prices]` says; tables of others' prices are not at hand here."""
    if usage.cost_usd is not None:
        return usage.cost_usd, ""
    from backstay.llm.prices import price
    from backstay.llm.request import Usage

    if f"{usage.provider}/{usage.model}" not in services().config.prices:
        raise invalid("cost_usd", f"is needed: backstay.toml has no [prices] of {usage.provider}/{usage.model}")
    counted = Usage(usage.input_tokens, usage.output_tokens)
    cost_usd, version = price(services().config, usage.provider, usage.model or "", counted)
    return cost_usd or Decimal(0), version
