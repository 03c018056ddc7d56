"""What the journals, the provider's bill and the ledger say of one another, pure. US dollars."""

import itertools
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from backstay.budgets.lease import Holding
from backstay.errors import ErrorClass
from tests.spending.journal import Ended, Event, Reserved, Turned, Wrote

NOTHING = Decimal(0)
_NO_LIMIT = Decimal("Infinity")
_AT_ONCE_S = 0.1
Bill = Mapping[tuple[str, str], Decimal]
"""What the provider's server has billed, by provider and job."""
Move = tuple[float, tuple[str, ...], Decimal]
"""When, of which scopes, how much was taken; below 0, given back."""


def by_reservation(events: Iterable[Event], bill: Bill) -> dict[str, Decimal]:
    """What was billed, by the reservation of the call.

    Raises:
        AssertionError: a call was made without a reservation, or billed at more than was reserved for it.
    """
    reserved = {(event.provider, event.job_id): event for event in events if isinstance(event, Reserved)}
    billed = {}
    for call, usd in bill.items():
        assert call in reserved, f"the call {call} was made without a reservation"
        assert usd <= reserved[call].usd, f"the call {call} cost ${usd}, and ${reserved[call].usd} were reserved for it"
        billed[reserved[call].name] = usd
    return billed


@dataclass(frozen=True, slots=True)
class History:
    """What one process did."""

    events: Sequence[Event]
    died_at: float | None = None
    """When it was killed."""
    left: Sequence[Holding] = ()
    """What its lease held after that: lost to everybody until the lease lapses."""


class Truth:
    """How much of each scope was spent or held at each moment.

    A call holds its most from the write that reserved for it until it has ended and is settled, alone or with its
    batch. What the ledger holds beyond that counts as left.
    """

    def __init__(self, histories: Iterable[History], spent: Mapping[str, Decimal]) -> None:
        moves: dict[str, list[tuple[float, Decimal]]] = defaultdict(list)
        for history in histories:
            for at, scopes, usd in _Past(history, spent).moves():
                for scope in scopes:
                    moves[scope].append((at, usd))
        self._times: dict[str, list[float]] = {}
        self._taken: dict[str, list[Decimal]] = {}
        for scope, of_scope in moves.items():
            of_scope.sort(key=lambda move: move[0])
            self._times[scope] = [at for at, _ in of_scope]
            self._taken[scope] = list(itertools.accumulate(usd for _, usd in of_scope))

    def most_taken(self, scope: str, begin: float, end: float) -> Decimal:
        """The most that was taken at any moment from begin to end."""
        if scope not in self._times:
            return NOTHING
        times, taken = self._times[scope], self._taken[scope]
        first, last = bisect_right(times, begin), bisect_right(times, end)
        return max([taken[first - 1] if first else NOTHING, *taken[first:last]])


def false_refusals(
    histories: Sequence[History], spent: Mapping[str, Decimal], limits: Mapping[str, Decimal]
) -> list[Turned]:
    """Calls that were turned away although there was money for them in all of their scopes, at every moment from the
    write that refused them until the next write of their process, which reserves for whoever was served in their stead.
    Of several that were turned away at once, as many as there was money for together.

    Args:
        histories: of all processes.
        spent: what each call cost in the end, by reservation.
        limits: by scope.
    """
    truth, false = Truth(histories, spent), []
    for history in histories:
        served: dict[tuple[float, float, str], Decimal] = defaultdict(Decimal)  # besides, by when and scope
        for refused, begin, end in _decided(history.events):
            taken = {scope: truth.most_taken(scope, begin, end) + served[begin, end, scope] for scope in refused.scopes}
            if all(usd + refused.usd <= limits.get(scope, _NO_LIMIT) for scope, usd in taken.items()):
                false.append(refused)
                for scope in refused.scopes:
                    served[begin, end, scope] += refused.usd
    return false


def _decided(events: Sequence[Event]) -> Iterator[tuple[Turned, float, float]]:
    """From when until when each refusal was decided."""
    writes = [event for event in events if isinstance(event, Wrote)]
    ends = [write.end for write in writes]
    for refused in (event for event in events if isinstance(event, Turned)):
        known = range(bisect_right(ends, refused.decided))
        last = next((n for n in reversed(known) if writes[n].refused), None)
        if last is None or refused.error_class == ErrorClass.UNREACHABLE:
            yield refused, refused.decided, refused.decided
            continue
        following = writes[last + 1 : last + 2]
        in_its_stead = following and following[0].begin < ends[last] + _AT_ONCE_S
        yield refused, writes[last].begin, following[0].begin if in_its_stead else ends[last]


_NONE_YET = Wrote(0.0, 0.0, refused=False, done=True, held=())


@dataclass(slots=True)
class _Past:
    history: History
    spent: Mapping[str, Decimal]
    held: dict[str, Reserved] = field(default_factory=dict)
    ended: dict[str, Ended] = field(default_factory=dict)
    begun: dict[str, float] = field(default_factory=dict)
    """When the write began that each reservation is from."""
    last: Wrote = _NONE_YET

    def moves(self) -> Iterator[Move]:
        """All of the process's."""
        for event in self.history.events:
            at = 0.0
            match event:
                case Wrote(done=True):
                    self.last, at = event, event.end
                    self.begun = dict.fromkeys(event.held, event.begin) | self.begun
                case Reserved():
                    self.held[event.name] = event
                    yield self.begun.get(event.name, event.at), event.scopes, event.usd
                case Ended():
                    self.ended[event.name], at = event, event.at
            yield from self._settled(at)
        if self.history.died_at is not None:
            yield from self._after_death(self.history.died_at)

    def _settled(self, at: float) -> Iterator[Move]:
        for name in self.ended.keys() - set(self.last.held):
            reserved = self.held.pop(name)
            yield at, reserved.scopes, self.ended.pop(name).usd - reserved.usd

    def _after_death(self, died_at: float) -> Iterator[Move]:
        left = {holding.name: holding for holding in self.history.left}
        for name, reserved in self.held.items():
            if name not in left:  # settled, and killed before it could note as much
                yield died_at, reserved.scopes, self.spent.get(name, NOTHING) - reserved.usd
        for name, holding in left.items():
            if name not in self.held:
                yield min(self.last.begin, died_at), holding.scopes, holding.usd
