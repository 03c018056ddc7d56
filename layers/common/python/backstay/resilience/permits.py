"""What one process holds of a rate: permits handed out, permits in stock, and what is to go back."""

from collections.abc import Callable
from dataclasses import dataclass, field

from backstay.resilience.window import Window


@dataclass(slots=True)
class Permit:
    """Leave to make one call, to be used at once."""

    tokens: int
    """Taken for it: the most that it can cost, or what it cost once that is told."""
    lot_ms: int
    """The lot that it is part of."""
    _give_back: Callable[[int, int, int], None]

    def settle(self, tokens: int) -> None:
        """Tell how many tokens the call took in the end; the rest goes back with this process's next lot."""
        if tokens != self.tokens:
            self._give_back(self.lot_ms, 0, self.tokens - tokens)
            self.tokens = tokens

    def abandon(self) -> None:
        """The call was never sent: all of it goes back."""
        self._give_back(self.lot_ms, 1, self.tokens)
        self.tokens = 0


@dataclass(frozen=True, slots=True)
class Stock:
    """Permits that were taken along and nobody has asked for yet."""

    lot_ms: int = 0
    requests: int = 0
    tokens: int = 0
    usable_until: float = 0.0
    """Monotonic seconds."""

    def serves(self, tokens: int, now: float) -> bool:
        """Whether there is a permit for a call of so many tokens."""
        return self.requests >= 1 and self.tokens >= tokens and now < self.usable_until


@dataclass(slots=True)
class Returns:
    """What goes back with the next write: requests and tokens by lot. Tokens below 0 were taken beyond the lot."""

    by_lot: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, lot_ms: int, requests: int, tokens: int) -> None:
        """Put more to it."""
        if requests or tokens:
            before = self.by_lot.get(lot_ms, (0, 0))
            self.by_lot[lot_ms] = (before[0] + requests, before[1] + tokens)

    def add_all(self, other: "Returns") -> None:
        """Put all of another's to it."""
        for lot_ms, (requests, tokens) in other.by_lot.items():
            self.add(lot_ms, requests, tokens)

    def applied_to(self, window: Window) -> Window:
        """The window after all of it has gone back."""
        for lot_ms, (requests, tokens) in self.by_lot.items():
            window = window.give_back(lot_ms, requests, tokens)
        return window
