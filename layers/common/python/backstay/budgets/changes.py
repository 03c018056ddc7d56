"""Changes of budgets, as the guards table's stream brings them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backstay.budgets import items
from backstay.budgets.budget import Account, Budget
from backstay.budgets.periods import Window


@dataclass(frozen=True, slots=True)
class Change:
    """One write of a budget."""

    id: str
    """The same where the stream brings it twice."""
    before: Budget | None
    after: Budget

    @property
    def raised(self) -> Iterator[Window]:
        """Windows with more money than before by a new limit, so that what was refused may pass."""
        for window, account in self.after.accounts.items():
            if self.before and _allows_more(self.before.accounts[window], account):
                yield window


def changes_of(records: Iterable[Mapping[str, Any]]) -> Iterator[Change]:
    """Budgets' changes among stream records, in their order; what is no budget's, and deletions, are passed over.

    Args:
        records: as a Lambda receives them, with old and new images.
    """
    for record in records:
        images = record["dynamodb"]
        after, before = images.get("NewImage"), images.get("OldImage")
        if after and after["id"]["S"].startswith(items.PREFIX):
            yield Change(record["eventID"], items.from_item(before) if before else None, items.from_item(after))


def _allows_more(before: Account, after: Account) -> bool:
    return before.is_hard and (not after.is_hard or after.limit_usd > before.limit_usd)
