"""The circuit breaker: failures of all workers are counted together, and what is down is left alone.

Powertools' circuit breaker gives the states and the hook for transitions; docs/decisions says why not more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType

from aws_lambda_powertools.utilities.circuit_breaker import CircuitState, CircuitTransition

from backstay.clock import Clock, epoch_ms, from_epoch_ms, iso, utc_now
from backstay.errors import ErrorClass, WorkError
from backstay.resilience import circuit as moves
from backstay.resilience.circuit import BreakerSettings, Circuit, Probe, Refused, Through, Transition
from backstay.resilience.circuit_store import CircuitStore
from backstay.resilience.transitions import announce

UNKNOWN_ERA = -1
_UNTIL_SOMEBODY_CLOSES_S = 300.0
_SHORTEST_WAIT_S = 1.0
_MOST_ROUNDS = 3  # in each of them another worker was faster with a probe


class CircuitOpen(WorkError):  # noqa: N818 - a refusal, not a fault of the program
    """The call was not made: the other side has failed too often of late, or is held closed to us."""

    def __init__(self, name: str, until: datetime | None, retry_after_s: float, reason: str) -> None:
        when = f"until {iso(until)}" if until else "until somebody closes it"
        because = f" ({reason})" if reason else ""
        message = f"circuit {name!r} is open {when}{because}; see `backstay breakers ls`"
        super().__init__(ErrorClass.CIRCUIT_OPEN, message, retry_after_s=retry_after_s)
        self.name, self.until = name, until


class AskedToRest(WorkError):  # noqa: N818 - a refusal, not a fault of the program
    """The call was not made: the other side said in an earlier answer when it wants to be asked again."""

    def __init__(self, name: str, of: str, until: datetime, retry_after_s: float) -> None:
        what = f"{name!r} ({of})" if of else repr(name)
        super().__init__(
            ErrorClass.RATE_LIMITED,
            f"{what} asked not to be called before {iso(until)}",
            retry_after_s=retry_after_s,
        )
        self.name, self.of, self.until = name, of, until


@dataclass(frozen=True, slots=True)
class BreakerStats:
    """How one breaker stands."""

    name: str
    state: CircuitState
    failures: int
    """Consecutive ones, of all workers together."""
    successes: int
    """Of probes, since it opened last."""
    settings: BreakerSettings
    opened_at: datetime | None
    next_attempt_at: datetime | None
    """When the next probe may go; None while closed, and while it is held open without end."""
    half_open_attempts: int
    """Probes under way."""
    held: str
    """Why somebody holds it open; empty if nobody does."""
    transitions: tuple[Transition, ...]
    """The last ten."""


class Admission:
    """Leave to make one call. Tell exactly one of its outcomes; more are ignored.

    As a context manager: an exception is a failure, an end without one a success, unless the outcome was told before.
    """

    def __init__(self, breaker: "CircuitBreaker", name: str, era: int, *, probe: bool) -> None:
        self._breaker, self._name, self._era, self.is_probe = breaker, name, era, probe
        self._told = False

    def succeeded(self) -> None:
        """The other side answered as one that is well."""
        self._tell(lambda circuit, now_ms: moves.succeed(circuit, self._breaker.settings, self._era, now_ms))

    def failed(self) -> None:
        """The other side failed in a way that counts."""
        self._tell(lambda circuit, now_ms: moves.fail(circuit, self._breaker.settings, self._era, now_ms))

    def abandoned(self) -> None:
        """The call was not made, or its outcome says nothing about the other side."""
        self._tell(lambda circuit, _: moves.abandon(circuit, self._era), matters=self.is_probe)

    def asked_to_rest(self, of: str, wait_s: float) -> None:
        """The other side said for how long nobody shall ask it for this. No outcome: tell one as well."""
        if self._era != UNKNOWN_ERA:
            wait_ms = round(wait_s * 1000)
            self._breaker.settle(self._name, lambda circuit, now_ms: moves.rest(circuit, of, now_ms + wait_ms, now_ms))

    def __enter__(self) -> "Admission":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self.succeeded()
        elif isinstance(error, Exception):
            self.failed()
        else:
            self.abandoned()

    def _tell(self, move: Callable[[Circuit, int], Circuit], *, matters: bool = True) -> None:
        if self._told:
            return
        self._told = True
        if matters and self._era != UNKNOWN_ERA:
            self._breaker.settle(self._name, move)


class CircuitBreaker:
    """Breakers by name that share their settings; one object a process.

    Args:
        table: the guards table.
        settings: when they open and close.
        names: those that `list` tells of.
        on_transition: told of each change of state by the process that made it; logs and measures by default.
        clock: UTC.
        cache_s: how long a healthy or open circuit is taken for what it was. One with failures is always read anew.
    """

    def __init__(
        self,
        table: str,
        settings: BreakerSettings | None = None,
        *,
        names: Sequence[str] = (),
        on_transition: Callable[[CircuitTransition], None] = announce,
        clock: Clock = utc_now,
        cache_s: float = 1.0,
    ) -> None:
        self.settings = settings or BreakerSettings()
        self._names, self._clock = tuple(names), clock
        self._store = CircuitStore(table, on_transition, cache_s)

    def admit(self, name: str, of: str = "") -> Admission:
        """Leave to make one call now. If the state can't be read, the call may be made.

        Args:
            name: the circuit's.
            of: what the other side is asked for, where it may want to be left alone with some and not with others.

        Raises:
            CircuitOpen: says until when.
            AskedToRest: so.
        """
        circuit = self._store.read(name)
        if circuit is None:
            return Admission(self, name, UNKNOWN_ERA, probe=False)
        for _ in range(_MOST_ROUNDS):
            now_ms = self._now_ms()
            verdict = moves.admit(circuit, self.settings, now_ms)
            rests_until = moves.rests_until(circuit, of, now_ms)
            match verdict:
                case Through() | Probe() if rests_until:
                    raise AskedToRest(name, of, from_epoch_ms(rests_until), (rests_until - now_ms) / 1000)
                case Through():
                    return Admission(self, name, circuit.era, probe=False)
                case Refused(until_ms):
                    raise self._refusal(circuit, until_ms, now_ms)
                case Probe(probing):
                    won, circuit = self._store.replace(circuit, probing)
                    if won:
                        return Admission(self, name, circuit.era, probe=True)
        raise self._refusal(circuit, circuit.retry_at_ms, self._now_ms())

    def settle(self, name: str, move: Callable[[Circuit, int], Circuit]) -> None:
        """Make a move on what stands now. Failing to is logged, never raised."""
        self._store.settle(name, lambda circuit: move(circuit, self._now_ms()))

    def hold_open(self, name: str, until: datetime | None, reason: str) -> None:
        """Keep it open until then, or until somebody resets it: used-up credit, a provider paused by hand.

        Raises:
            botocore.exceptions.ClientError: the table did not take it.
        """
        until_ms = epoch_ms(until) if until else None
        self._store.change(name, lambda circuit: moves.hold(circuit, self._now_ms(), until_ms, reason))

    def reset(self, name: str, reason: str = "reset by hand") -> None:
        """Close it, with nothing counted and no rest to be kept.

        Raises:
            botocore.exceptions.ClientError: the table did not take it.
        """
        self._store.change(name, lambda circuit: replace(moves.close(circuit, self._now_ms(), reason), rests=()))

    def stats(self, name: str) -> BreakerStats:
        """How it stands now, read anew."""
        return self._stats(self._store.look_up([name])[0])

    def list(self) -> tuple[BreakerStats, ...]:
        """How all that were named at construction stand now, in one read."""
        return tuple(self._stats(circuit) for circuit in self._store.look_up(list(self._names)))

    def _stats(self, circuit: Circuit) -> BreakerStats:
        return BreakerStats(
            name=circuit.name,
            state=circuit.state,
            failures=circuit.failures,
            successes=circuit.successes,
            settings=self.settings,
            opened_at=_moment(circuit.opened_at_ms),
            next_attempt_at=_moment(circuit.retry_at_ms),
            half_open_attempts=circuit.probes,
            held=circuit.reason,
            transitions=circuit.transitions,
        )

    def _refusal(self, circuit: Circuit, until_ms: int | None, now_ms: int) -> CircuitOpen:
        wait_s = _UNTIL_SOMEBODY_CLOSES_S if until_ms is None else max(_SHORTEST_WAIT_S, (until_ms - now_ms) / 1000)
        return CircuitOpen(circuit.name, _moment(until_ms), wait_s, circuit.reason)

    def _now_ms(self) -> int:
        return epoch_ms(self._clock())


def _moment(milliseconds: int | None) -> datetime | None:
    return from_epoch_ms(milliseconds) if milliseconds is not None else None
