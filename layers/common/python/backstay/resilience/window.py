"""What a rate allows now, pure: arithmetic over the lots of permits that were taken within the window.

A lot taken at t may be used until t + lapse, so that it counts until t + lapse + window: then no window of the other
side's, wherever it begins, holds more than was taken within such a span, and that is never more than the limit.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from backstay.settings import SettingsError

Priority = Literal["high", "normal", "low"]

DAY_MS = 86_400_000
_MERGES_A_WINDOW = 240
"""Lots that are taken within this part of a window are kept as one, so that the item stays small."""
_STOCK_FRACTION = 0.5
"""Permits that nobody waits for are only taken while at most this part of the limit is in use."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What the other side allows; None where it has no such limit.

    Raises:
        SettingsError: names the limit and its value.
    """

    requests: int | None = None
    """In any window."""
    tokens: int | None = None
    """In any window."""
    requests_a_day: int | None = None
    """From midnight to midnight, UTC."""
    kept_for_high: float = 0.2
    """The part of a window that only priority `high` may use."""
    window_s: float = 60
    lapse_s: float = 2
    """How long a permit may be used after it was taken."""

    def __post_init__(self) -> None:
        for name in ("requests", "tokens", "requests_a_day", "window_s", "lapse_s"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise SettingsError(f"rate: {name} = {value} must be more than 0")
        if not 0 <= self.kept_for_high < 1:
            raise SettingsError(f"rate: kept_for_high = {self.kept_for_high} must be at least 0 and less than 1")

    @property
    def counts_ms(self) -> int:
        """How long a lot counts."""
        return round((self.window_s + self.lapse_s) * 1000)

    def most(self, priority: Priority) -> "Amount":
        """What calls of this priority may bring a window to."""
        part = 1.0 if priority == "high" else 1 - self.kept_for_high
        return Amount(_part(self.requests, part), _part(self.tokens, part))


@dataclass(frozen=True, slots=True)
class Amount:
    """So many requests and tokens."""

    requests: float = 0
    tokens: float = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.requests + other.requests, self.tokens + other.tokens)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.requests - other.requests, self.tokens - other.tokens)

    def fits(self, room: "Amount") -> bool:
        """Whether it is no more than that."""
        return self.requests <= room.requests and self.tokens <= room.tokens


@dataclass(frozen=True, slots=True)
class Lot:
    """Permits taken together, or nearly so. Times are milliseconds since 1970."""

    first_ms: int
    """When the first of them were taken; names the lot."""
    last_ms: int
    """When the last of them were taken; all count for as long as these."""
    requests: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Ask:
    """One call that waits for a permit, with the most tokens that it can cost."""

    tokens: int = 0
    priority: Priority = "normal"

    @property
    def amount(self) -> Amount:
        """What it takes."""
        return Amount(1, self.tokens)


@dataclass(frozen=True, slots=True)
class Window:
    """What was taken of one rate and still counts."""

    lots: tuple[Lot, ...] = ()
    """In the order of `last_ms`."""
    day: int = 0
    """Days since 1970."""
    day_requests: int = 0

    @property
    def used(self) -> Amount:
        """What all lots hold."""
        return Amount(sum(lot.requests for lot in self.lots), sum(lot.tokens for lot in self.lots))

    @property
    def latest_ms(self) -> int:
        """When the last lot was taken."""
        return self.lots[-1].last_ms if self.lots else 0

    def at(self, now_ms: int, limits: RateLimits) -> "Window":
        """The window without what counts no longer. Lots of a clock that is ahead are taken for lots of now."""
        lots = tuple(
            lot if lot.last_ms <= now_ms else replace(lot, last_ms=now_ms)
            for lot in self.lots
            if lot.last_ms + limits.counts_ms > now_ms and (lot.requests or lot.tokens)
        )
        today = now_ms // DAY_MS
        return Window(lots, today, self.day_requests if today == self.day else 0)

    def give_back(self, lot_ms: int, requests: int, tokens: int) -> "Window":
        """The window after part of a lot was not used, or was used beyond what was taken (then negative)."""
        lots = tuple(
            replace(lot, requests=max(0, lot.requests - requests), tokens=max(0, lot.tokens - tokens))
            if lot.first_ms == lot_ms
            else lot
            for lot in self.lots
        )
        same_day = lot_ms // DAY_MS == self.day
        return replace(self, lots=lots, day_requests=max(0, self.day_requests - (requests if same_day else 0)))

    def take(self, requests: int, tokens: int, now_ms: int, limits: RateLimits) -> "tuple[Window, int]":
        """The window with these permits taken, and the lot that they are part of."""
        window = replace(self, day_requests=self.day_requests + requests)
        merge_ms = limits.window_s * 1000 / _MERGES_A_WINDOW
        if self.lots and now_ms - self.lots[-1].first_ms <= merge_ms:
            last = self.lots[-1]
            merged = Lot(last.first_ms, now_ms, last.requests + requests, last.tokens + tokens)
            return replace(window, lots=(*self.lots[:-1], merged)), merged.first_ms
        return replace(window, lots=(*self.lots, Lot(now_ms, now_ms, requests, tokens))), now_ms


@dataclass(frozen=True, slots=True)
class Plan:
    """Who may call now, and what to take for them."""

    granted: tuple[int, ...]
    """Places in the list of asks."""
    wait_ms: dict[int, int]
    """For each place that was refused, how long to wait."""
    taken: Amount = field(default_factory=Amount)
    stock: Amount = field(default_factory=Amount)
    """The part of it that nobody waits for yet."""


def plan(window: Window, limits: RateLimits, asks: Sequence[Ask], now_ms: int, expected: int = 0) -> Plan:
    """Decide about calls that wait together; those of priority `high` first, else in their order.

    Args:
        window: as it stands at `now_ms`.
        limits: what the other side allows.
        asks: the calls; each fits an empty window.
        now_ms: never before the window's latest lot.
        expected: how many more calls are likely to come before a lot lapses.
    """
    used, day_left = window.used, _day_left(window, limits)
    granted, refused = [], []
    for place in sorted(range(len(asks)), key=lambda place: asks[place].priority != "high"):
        ask = asks[place]
        if day_left >= 1 and ask.amount.fits(limits.most(ask.priority) - used):
            used, day_left = used + ask.amount, day_left - 1
            granted.append(place)
        else:
            refused.append(place)
    taken = used - window.used
    if refused or not granted:
        waits = _waits(window, limits, [(place, asks[place]) for place in refused], taken, day_left, now_ms)
        return Plan(tuple(granted), waits, taken)
    stock = _stock(limits, used, taken, len(granted), min(expected, day_left))
    return Plan(tuple(granted), {}, taken + stock, stock)


def _stock(limits: RateLimits, used: Amount, taken: Amount, calls: int, expected: float) -> Amount:
    """Permits to take along for calls that are likely to come; each as large as those that are here."""
    most = limits.most("normal")
    tokens_each = -(-taken.tokens // calls)
    free = Amount(most.requests * _STOCK_FRACTION, most.tokens * _STOCK_FRACTION) - used
    count = max(0, int(min(expected, free.requests, free.tokens / tokens_each if tokens_each else expected)))
    return Amount(count, count * tokens_each)


def _waits(
    window: Window,
    limits: RateLimits,
    refused: Sequence[tuple[int, Ask]],
    taken: Amount,
    day_left: float,
    now_ms: int,
) -> dict[int, int]:
    """When each refused call fits, if those that are told less come back in time and nobody else calls."""
    ends = [(lot.last_ms + limits.counts_ms, lot.requests, lot.tokens) for lot in window.lots]
    ends.append((now_ms + limits.counts_ms, int(taken.requests), int(taken.tokens)))
    heapq.heapify(ends)
    used, at_ms = window.used + taken, now_ms
    waits = {}
    for place, ask in sorted(refused, key=lambda one: (one[1].priority != "high", one[1].tokens)):
        if day_left < 1:
            waits[place] = (now_ms // DAY_MS + 1) * DAY_MS - now_ms
            continue
        while not ask.amount.fits(limits.most(ask.priority) - used):
            ends_ms, requests, tokens = heapq.heappop(ends)
            used, at_ms = used - Amount(requests, tokens), max(at_ms, ends_ms)
        waits[place] = at_ms - now_ms
        used, day_left = used + ask.amount, day_left - 1
        heapq.heappush(ends, (at_ms + limits.counts_ms, 1, ask.tokens))
    return waits


def _day_left(window: Window, limits: RateLimits) -> float:
    return _limit(limits.requests_a_day) - window.day_requests


def _part(limit: int | None, part: float) -> float:
    return _limit(limit) if limit is None else max(1, int(limit * part + 1e-9))


def _limit(limit: int | None) -> float:
    return float("inf") if limit is None else limit
