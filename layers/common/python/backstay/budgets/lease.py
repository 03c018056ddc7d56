"""What a process holds of budgets, as one item: should the process die, the sweep settles what it held."""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from backstay.budgets.budget import Posting
from backstay.clock import from_iso, iso
from backstay.dynamodb import encode_item

SHARDS = 4
"""Lists of leases that are open; one would let its index partition bound how many processes write."""
_CLOSED_KEPT = timedelta(days=2)
"""A process that was frozen for longer has lost its lease all the same: it finds none."""


Counts = tuple[tuple[str, Decimal], ...]
"""Amounts that are no money, by the scope of a quota, such as `quota:openai:requests`."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What is reserved for one call."""

    number: int
    """Of all that its process has held under the lease."""
    usd: Decimal
    scopes: tuple[str, ...]
    lease: str = ""
    job_id: str | None = None
    """Whose receipt tells what the call cost in the end."""
    counts: Counts = ()

    @property
    def name(self) -> str:
        """What tells it from all others; stands in the receipt."""
        return f"{self.lease}.{self.number}"

    @property
    def amounts(self) -> Mapping[str, Decimal]:
        """What is held, by scope."""
        return dict.fromkeys(self.scopes, self.usd) | dict(self.counts)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a call ended."""

    holding: Holding
    usd: Decimal
    """What it cost, or where that is uncertain the most that it can have cost."""
    certain: bool = True
    used: Mapping[str, Decimal] = field(default_factory=dict)
    """What was used of quotas, by scope; where nothing is said, all that was held."""

    @classmethod
    def unused(cls, holding: Holding) -> "Settlement":
        """The call was not made, or cost nothing."""
        return cls(holding, Decimal(0), used=dict.fromkeys(dict(holding.counts), Decimal(0)))

    @property
    def postings(self) -> Mapping[str, Posting]:
        """What follows, by scope."""
        money = Posting(spent=self.usd, reserved=-self.holding.usd)
        counted = {scope: Posting(self.used.get(scope, held), -held) for scope, held in self.holding.counts}
        return dict.fromkeys(self.holding.scopes, money) | counted


@dataclass(frozen=True, slots=True)
class Lease:
    """All that one process holds."""

    id: str
    lapses_at: datetime
    """From then on the sweep may settle it in the process's stead, and the process must not."""
    version: int = 0
    writer: str = ""
    """Tells a writer whose first answer was lost that what stands there is its own."""
    holdings: Mapping[int, Holding] = field(default_factory=dict)

    def followed_by(self, holdings: Mapping[int, Holding], lapses_at: datetime, writer: str) -> "Lease":
        """What is written over it."""
        return replace(self, version=self.version + 1, writer=writer, holdings=holdings, lapses_at=lapses_at)


def lease_id(lease: str) -> str:
    """The key of a lease's item."""
    return f"lease#{lease}"


def list_of(lease: str) -> str:
    """The list that an open lease stands in."""
    return f"leases#{zlib.crc32(lease.encode()) % SHARDS}"


def to_item(lease: Lease) -> dict[str, Any]:
    """The lease in DynamoDB's attribute values. One that holds nothing stands in no list, and expires."""
    item: dict[str, Any] = {
        "id": lease_id(lease.id),
        "version": lease.version,
        "writer": lease.writer,
        "listed_at": iso(lease.lapses_at),
        "holdings": holdings_to_text(lease.holdings.values()),
    }
    if lease.holdings:
        item["list"] = list_of(lease.id)
    else:
        item["ttl"] = int((lease.lapses_at + _CLOSED_KEPT).timestamp())
    return encode_item(item)


def from_item(item: Mapping[str, Any]) -> Lease:
    """The lease that `to_item` wrote."""
    an_id = item["id"]["S"].partition("#")[2]
    return Lease(
        id=an_id,
        lapses_at=from_iso(item["listed_at"]["S"]),
        version=int(item["version"]["N"]),
        writer=item["writer"]["S"],
        holdings={holding.number: holding for holding in holdings_from_text(item["holdings"]["S"], an_id)},
    )


def holdings_to_text(holdings: Iterable[Holding]) -> str:
    """As text, those of the same scopes together: a batch's lease stays below the kilobyte that one write pays for."""
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[list[Any]]] = {}
    for one in holdings:
        quotas = tuple(scope for scope, _ in one.counts)
        counts = [_plain(amount) for _, amount in one.counts]
        alike.setdefault((one.scopes, quotas), []).append([one.number, _plain(one.usd), one.job_id, *counts])
    return json.dumps([[*whose, each] for whose, each in alike.items()], separators=(",", ":"))


def holdings_from_text(text: str, lease: str) -> list[Holding]:
    """The holdings of that lease that `holdings_to_text` wrote."""
    return [
        Holding(
            number, Decimal(usd), tuple(scopes), lease, job_id, tuple(zip(quotas, map(Decimal, counts), strict=True))
        )
        for scopes, quotas, each in json.loads(text)
        for number, usd, job_id, *counts in each
    ]


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
