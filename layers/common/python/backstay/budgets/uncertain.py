"""What was settled without anybody knowing what it cost: listed, so that people can compare it with the bill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backstay.budgets.lease import Holding, holdings_from_text, holdings_to_text
from backstay.clock import from_iso, iso
from backstay.dynamodb import encode_item

LIST = "uncertain"
_KEPT = timedelta(days=400)
"""Longer than the longest window."""


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Calls that may have been charged, counted as spent at the most that they can have cost."""

    lease: str
    version: int
    """Of the lease, when they were settled."""
    at: datetime
    holdings: Sequence[Holding]


def to_item(uncertain: Uncertain) -> dict[str, Any]:
    """In DynamoDB's attribute values."""
    return encode_item(
        {
            "id": f"uncertain#{uncertain.lease}#{uncertain.version}",
            "list": LIST,
            "listed_at": iso(uncertain.at),
            "holdings": holdings_to_text(uncertain.holdings),
            "ttl": int((uncertain.at + _KEPT).timestamp()),
        }
    )


def from_item(item: Mapping[str, Any]) -> Uncertain:
    """What `to_item` wrote."""
    _, lease, version = item["id"]["S"].split("#")
    holdings = holdings_from_text(item["holdings"]["S"], lease)
    return Uncertain(lease, int(version), from_iso(item["listed_at"]["S"]), holdings)
