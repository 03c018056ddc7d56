"""Budgets as items of the guards table: one a scope, moved by expressions that need not know what stands there.

Writers don't read first: what they take is subtracted from what is left on the condition that it is left, so that
processes that write one after another never stand in each other's way.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from backstay.budgets.budget import NOTHING, UNIT, Account, Budget, Limit, Posting
from backstay.budgets.periods import Periods, Window
from backstay.budgets.scope import kind_of
from backstay.dynamodb import encode

Request = dict[str, Any]
"""The part of a DynamoDB request that says what to write, and on what condition."""

PREFIX = "budget#"

_HARD, _SOFT, _NONE = "hard", "soft", "none"


def budget_id(scope: str) -> str:
    """The key of a scope's item."""
    return PREFIX + scope


def scope_of(an_id: str) -> str:
    """Whose item has this key."""
    return an_id.removeprefix(PREFIX)


def list_of(kind: str) -> str:
    """The list of all budgets of a kind, in which an item comes once and never moves."""
    return f"budgets#{kind}"


def to_item(budget: Budget) -> dict[str, Any]:
    """The budget in DynamoDB's attribute values."""
    item: dict[str, Any] = {
        "id": encode(budget_id(budget.scope)),
        "list": encode(list_of(kind_of(budget.scope))),
        "listed_at": encode(budget.scope),
        "reserved": dollars(budget.reserved),
        "spent_ever": dollars(budget.spent_ever),
    }
    for window, account in budget.accounts.items():
        item |= {
            f"period_{window}": encode(account.period),
            f"spent_{window}": dollars(account.spent),
            f"left_{window}": dollars(account.left),
            **_limit_attributes(window, account),
        }
    return item


def from_item(item: Mapping[str, Any]) -> Budget:
    """The budget that `to_item` wrote."""
    accounts = {window: _account(item, window) for window in Window}
    return Budget(scope_of(item["id"]["S"]), accounts, _number(item, "reserved"), _number(item, "spent_ever"))


def post(posting: Posting, periods: Periods, needed: Decimal | None = None) -> Request:
    """Move a budget.

    Args:
        posting: by how much.
        periods: refused with the budget as it stands where a window has turned meanwhile.
        needed: must be left in every hard window, else it is refused so; None: whatever is left.
    """
    changes = ["reserved = reserved + :reserved", "spent_ever = spent_ever + :spent"]
    conditions = []
    for window in Window:
        changes += [f"left_{window} = left_{window} - :taken", f"spent_{window} = spent_{window} + :spent"]
        conditions.append(f"period_{window} >= :{window}")
        if needed is not None:
            conditions.append(f"(bound_{window} <> :hard OR left_{window} >= :needed)")
    amounts = {"reserved": posting.reserved, "taken": posting.taken, "spent": posting.spent}
    values = {f":{name}": dollars(amount) for name, amount in amounts.items()}
    values |= {f":{window}": encode(period) for window, period in periods.items()}
    if needed is not None:
        values |= {":hard": encode(_HARD), ":needed": dollars(needed)}
    return {
        "UpdateExpression": f"SET {', '.join(changes)}",
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeValues": values,
    }


def turn(seen: Budget, periods: Periods) -> Request:
    """Begin those windows anew that have turned since; refused where somebody else has."""
    changes, conditions, values = [], [], {":nothing": dollars(NOTHING)}
    for window, account in seen.accounts.items():
        if account.period >= periods[window]:
            continue
        changes += [
            f"period_{window} = :new_{window}",
            f"spent_{window} = :nothing",
            f"left_{window} = limit_{window} - reserved",
        ]
        conditions.append(f"period_{window} = :old_{window}")
        values |= {f":new_{window}": encode(periods[window]), f":old_{window}": encode(account.period)}
    return {
        "UpdateExpression": f"SET {', '.join(changes)}",
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeValues": values,
    }


def limit(seen: Budget, window: Window, to: Limit | None, *, by_hand: bool) -> Request:
    """Change a limit; refused where somebody else has changed it since."""
    account = seen.accounts[window].with_limit(to, by_hand=by_hand)
    attributes = _limit_attributes(window, account)
    values = {f":{name}": value for name, value in attributes.items()}
    values[":seen"] = dollars(seen.accounts[window].limit_usd)
    values[":more"] = dollars(account.limit_usd - seen.accounts[window].limit_usd)
    changes = [f"{name} = :{name}" for name in attributes]
    return {
        "UpdateExpression": f"SET {', '.join(changes)}, left_{window} = left_{window} + :more",
        "ConditionExpression": f"limit_{window} = :seen",
        "ExpressionAttributeValues": values,
    }


def dollars(amount: Decimal) -> Any:
    """As a whole number of units: what adds up in DynamoDB, in an emulator and here is the same to the last digit."""
    return {"N": str(int(amount / UNIT))}


def _limit_attributes(window: Window, account: Account) -> dict[str, Any]:
    bound = _NONE if account.limit is None else _HARD if account.limit.hard else _SOFT
    return {
        f"limit_{window}": dollars(account.limit_usd),
        f"bound_{window}": encode(bound),
        f"by_hand_{window}": encode(account.by_hand),
    }


def _account(item: Mapping[str, Any], window: Window) -> Account:
    bound = item[f"bound_{window}"]["S"]
    return Account(
        period=item[f"period_{window}"]["S"],
        spent=_number(item, f"spent_{window}"),
        left=_number(item, f"left_{window}"),
        limit=None if bound == _NONE else Limit(_number(item, f"limit_{window}"), hard=bound == _HARD),
        by_hand=item[f"by_hand_{window}"]["BOOL"],
    )


def _number(item: Mapping[str, Any], name: str) -> Decimal:
    return Decimal(item[name]["N"]) * UNIT
