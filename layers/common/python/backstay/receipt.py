"""What a job cost: one entry per model call, added up in a receipt."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class FailedRoute:
    """A route that was asked, or would have been but for a guard, and gave no answer of use."""

    route: str
    error_class: str


@dataclass(frozen=True, slots=True)
class Call:
    """One answered call that costs: of a model, or of a provider's operation. `cost_usd` is None while nobody has
    priced it."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    latency_ms: int
    cost_usd: Decimal | None
    cached_tokens: int = 0
    price_version: str = ""
    """Which price table gave `cost_usd`."""
    replayed: bool = False
    """Answered from what an earlier run of the same job had already paid for, as its receipt says."""
    cached: bool = False
    """Answered from what another job had asked shortly before: free, and its tokens were those of that call."""
    reservation: str = ""
    """What was reserved for it in the ledger of budgets; should its process die, the sweep settles by it."""
    failed_over_from: tuple[FailedRoute, ...] = ()
    """Whom this call stands in for, in the order in which they failed."""
    operation: str = ""
    """What was asked of a provider that has no models, such as `sms_us`; `model` is empty then."""
    quantity: Decimal | None = None
    """How many of the operation's units, where it has any."""
    cache_write_tokens: int = 0
    """Of the input, written into the provider's cache; `cache_write_1h_tokens` of them for an hour."""
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    """Of the output, not shown and paid for as output."""
    service: str = ""
    """The provider's class of service where it is not the usual one: `batch`, `flex` or `priority`."""
    saved_usd: Decimal = Decimal(0)
    """What the answer had cost that came from the cache."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one job cost, over all of its attempts."""

    calls: tuple[Call, ...] = field(default=())

    @property
    def cost_usd(self) -> Decimal:
        """The priced calls' sum in US dollars; what was replayed was paid for once."""
        return sum((call.cost_usd for call in self.calls if call.cost_usd and not call.replayed), Decimal(0))

    def followed_by(self, calls: Iterable[Call]) -> "Receipt":
        """The receipt after one more run's calls. What that run replayed of one that died before it could tell is paid
        for here: no receipt had it yet.
        """
        known = [replace(call, replayed=False) for call in self.calls]
        return Receipt((*self.calls, *(_told(call, known) for call in calls)))


def _told(call: Call, known: list[Call]) -> Call:
    paid = replace(call, replayed=False)
    if paid in known:
        return call
    known.append(paid)
    return paid
