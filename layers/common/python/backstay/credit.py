"""What the last hourly check found of each provider's credit: one item a provider in the guards table."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from backstay import aws
from backstay.clock import from_iso, iso
from backstay.dynamodb import decode_item, encode_item

_PREFIX = "credit#"
_LONGEST_PROBLEM = 300


@dataclass(frozen=True, slots=True)
class Balance:
    """What a provider says of an account, in US dollars. None: it does not say, or there is no limit."""

    remaining_usd: Decimal | None
    used_today_usd: Decimal | None = None
    used_this_week_usd: Decimal | None = None
    used_this_month_usd: Decimal | None = None
    is_free_tier: bool = False

    @property
    def is_spendable(self) -> bool:
        """Whether another call can be paid for."""
        return self.remaining_usd is None or self.remaining_usd > 0


@dataclass(frozen=True, slots=True)
class CreditState:
    """What is known of a provider's credit."""

    balance: Balance | None = None
    """As the last check that succeeded found it."""
    checked_at: datetime | None = None
    """When that was."""
    failures_in_a_row: int = 0
    """Checks that have failed since."""
    problem: str = ""
    """What was wrong with the last of them."""

    def with_balance(self, balance: Balance, now: datetime) -> "CreditState":
        """After a check that succeeded."""
        return CreditState(balance, now)

    def with_failure(self, problem: str) -> "CreditState":
        """After a check that failed."""
        return replace(self, failures_in_a_row=self.failures_in_a_row + 1, problem=problem[:_LONGEST_PROBLEM])


def read_credits(table: str, providers: Iterable[str]) -> dict[str, CreditState]:
    """What is known of each provider's credit, in one read."""
    keys = [encode_item({"id": _PREFIX + provider}) for provider in dict.fromkeys(providers)]
    if not keys:
        return {}
    answer = aws.dynamodb().batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
    items = map(decode_item, answer["Responses"].get(table, ()))
    return {item["id"].removeprefix(_PREFIX): _state_of(item) for item in items}


def write_credit(table: str, provider: str, state: CreditState) -> None:
    """Keep what is known of a provider's credit, in the place of what was there."""
    item = {
        "id": _PREFIX + provider,
        "balance": _body_of(state.balance) if state.balance else None,
        "checked_at": iso(state.checked_at) if state.checked_at else None,
        "failures": state.failures_in_a_row,
        "problem": state.problem,
    }
    aws.dynamodb().put_item(TableName=table, Item=encode_item(item))


def _body_of(balance: Balance) -> dict[str, Any]:
    return {name: value for name, value in asdict(balance).items() if value is not None}


def _state_of(item: Mapping[str, Any]) -> CreditState:
    body = item.get("balance")
    return CreditState(
        balance=Balance(**{"remaining_usd": None, **body}) if body else None,
        checked_at=from_iso(item["checked_at"]) if "checked_at" in item else None,
        failures_in_a_row=item["failures"],
        problem=item["problem"],
    )
