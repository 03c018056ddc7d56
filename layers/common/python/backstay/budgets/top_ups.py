"""Credit that was bought from providers that don't tell what is left of it: what was topped up, less what is spent.

One item a provider in the guards table. What is spent is what the provider's budget has spent since the first top-up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from backstay import aws
from backstay.budgets import items
from backstay.budgets.budget import NOTHING, UNIT, Budget
from backstay.clock import from_iso, iso
from backstay.dynamodb import decode_item, encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PREFIX = "bought#"
_LONGEST_DAYS = 3650
"""What lasts longer lasts."""


@dataclass(frozen=True, slots=True)
class TopUp:
    """Credit that somebody bought; below 0 it puts right what was told wrongly."""

    usd: Decimal
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bought:
    """All that was bought from a provider."""

    provider: str
    usd: Decimal
    spent_before: Decimal
    """What its budget had spent by the first top-up."""
    top_ups: tuple[TopUp, ...]
    """The oldest first."""

    def spent(self, budget: Budget) -> Decimal:
        """US dollars since the first top-up.

        Args:
            budget: the provider's.
        """
        return budget.spent_ever - self.spent_before

    def left(self, budget: Budget) -> Decimal:
        """US dollars; below 0 where more was spent than anybody told of."""
        return self.usd - self.spent(budget)


class TopUps:
    """Notes and reads what was bought."""

    def __init__(self, table: str) -> None:
        self._table = table

    def add(self, budget: Budget, top_up: TopUp, key: str) -> bool:
        """Note one; False where one of the same key was noted already.

        Args:
            budget: of the provider, as it stands.
            top_up: what was bought.
            key: the same once more is noted once.
        """
        provider = budget.scope.partition(":")[2]
        entry = [iso(top_up.at), str(top_up.usd), top_up.note]
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"id": encode(_PREFIX + provider)},
                UpdateExpression=(
                    "SET bought = if_not_exists(bought, :nothing) + :usd,"
                    " spent_before = if_not_exists(spent_before, :spent),"
                    " entries = list_append(if_not_exists(entries, :none), :entry) ADD entry_keys :key"
                ),
                ConditionExpression="NOT contains(entry_keys, :one)",
                ExpressionAttributeValues={
                    ":nothing": items.dollars(NOTHING),
                    ":usd": items.dollars(top_up.usd),
                    ":spent": items.dollars(budget.spent_ever),
                    ":none": encode([]),
                    ":entry": encode([entry]),
                    ":key": {"SS": [key]},
                    ":one": encode(key),
                },
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def read(self, providers: Iterable[str]) -> list[Bought]:
        """What was bought from each, of those from whom anything was."""
        keys = [{"id": encode(_PREFIX + provider)} for provider in dict.fromkeys(providers)]
        if not keys:
            return []
        answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
        return sorted(map(_bought, answer["Responses"].get(self._table, ())), key=lambda one: one.provider)

    @property
    def _client(self) -> "DynamoDBClient":
        return aws.dynamodb()


def runs_out_at(left: Decimal, a_day: Decimal, now: datetime) -> datetime | None:
    """When nothing is left at that rate; None where it lasts for years, or nothing is being spent."""
    if left <= 0:
        return now
    if not a_day or left / a_day > _LONGEST_DAYS:
        return None
    return now + timedelta(days=float(left / a_day))


def _bought(item: Mapping[str, Any]) -> Bought:
    known = decode_item({name: value for name, value in item.items() if name != "entry_keys"})
    return Bought(
        provider=known["id"].removeprefix(_PREFIX),
        usd=UNIT * known["bought"],
        spent_before=UNIT * known["spent_before"],
        top_ups=tuple(TopUp(Decimal(usd), from_iso(at), note) for at, usd, note in known["entries"]),
    )
