"""What one transaction does, pure: calls that ended are settled, calls that wait are reserved for, all in one step."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from backstay.budgets.budget import NOTHING, Budget, Posting, Shortage
from backstay.budgets.lease import Counts, Holding, Settlement

MOST_SCOPES = 90
"""A transaction takes 100 items, and two of them are the lease and what is uncertain."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One call that waits for leave to be made."""

    usd: Decimal
    """The most that it can cost."""
    scopes: tuple[str, ...]
    lasts_s: float
    """How long it can take."""
    job_id: str | None = None
    counts: Counts = ()
    """What else it takes at most: of quotas."""

    @property
    def amounts(self) -> Mapping[str, Decimal]:
        """What it takes at most, by scope."""
        return dict.fromkeys(self.scopes, self.usd) | dict(self.counts)


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction's worth. Settlements are never refused."""

    asks: Sequence[Ask] = ()
    settlements: Sequence[Settlement] = ()

    @property
    def scopes(self) -> frozenset[str]:
        """All that it touches."""
        asked = (scope for ask in self.asks for scope in ask.amounts)
        return frozenset(asked).union(scope for one in self.settlements for scope in one.holding.amounts)

    @property
    def postings(self) -> Mapping[str, Posting]:
        """What it does, by scope."""
        postings: dict[str, Posting] = defaultdict(Posting)
        for settlement in self.settlements:
            for scope, posting in settlement.postings.items():
                postings[scope] += posting
        for ask in self.asks:
            for scope, most in ask.amounts.items():
                postings[scope] += Posting(reserved=most)
        return postings

    @property
    def needed(self) -> Mapping[str, Decimal]:
        """What must be left, by scope; only where a call is reserved for."""
        postings = self.postings
        return {scope: postings[scope].taken for ask in self.asks for scope in ask.amounts}

    @property
    def uncertain(self) -> tuple[Holding, ...]:
        """Calls of which nobody knows what they cost."""
        return tuple(one.holding for one in self.settlements if not one.certain)

    def lapses_at(self, now: datetime, margin_s: float) -> datetime:
        """When the last of its calls has surely ended and been settled."""
        return now + timedelta(seconds=max((ask.lasts_s for ask in self.asks), default=0.0) + margin_s)


@dataclass(frozen=True, slots=True)
class Sifted:
    """Which calls of an entry there is money for."""

    entry: Entry
    refused: Mapping[int, Shortage] = field(default_factory=dict)
    """By place among the entry's asks."""


def first_part(entry: Entry, most_scopes: int = MOST_SCOPES) -> Entry:
    """As much of it, from the front, as one transaction can hold; settlements go first."""
    scopes: set[str] = set()
    settlements: list[Settlement] = []
    for settlement in entry.settlements:
        if len(scopes.union(settlement.holding.amounts)) > most_scopes:
            return Entry((), settlements)
        scopes.update(settlement.holding.amounts)
        settlements.append(settlement)
    asks: list[Ask] = []
    for ask in entry.asks:
        if len(scopes.union(ask.amounts)) > most_scopes:
            break
        scopes.update(ask.amounts)
        asks.append(ask)
    return Entry(asks, settlements)


def sift(entry: Entry, known: Mapping[str, Budget]) -> Sifted:
    """Leave out those calls that a budget has too little left for; a smaller one behind them may still pass.

    Args:
        entry: what was refused.
        known: the budgets that are known, as they stand.
    """
    taken: dict[str, Decimal] = defaultdict(lambda: NOTHING)
    for scope, posting in Entry((), entry.settlements).postings.items():
        taken[scope] = posting.taken
    asks: list[Ask] = []
    refused: dict[int, Shortage] = {}
    for place, ask in enumerate(entry.asks):
        short = [
            shortage
            for scope, most in ask.amounts.items()
            if scope in known and (shortage := known[scope].shortage(most, taken[scope]))
        ]
        if short:
            refused[place] = max(short, key=lambda one: not one.passes)
            continue
        for scope, most in ask.amounts.items():
            taken[scope] += most
        asks.append(ask)
    return Sifted(Entry(asks, entry.settlements), refused)
