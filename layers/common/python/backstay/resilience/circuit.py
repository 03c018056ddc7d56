"""The moves of a circuit breaker, pure: what a call's admission and outcome make of a circuit."""

from dataclasses import dataclass, replace

from aws_lambda_powertools.utilities.circuit_breaker import CircuitState

from backstay.settings import SettingsError

_TRANSITIONS_KEPT = 10


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a breaker opens and closes.

    Raises:
        SettingsError: names the setting and its value.
    """

    failure_threshold: int = 5
    """Consecutive failures, of all workers together, that open it."""
    reset_timeout_s: float = 60
    """How long it stays open before a probe; also how long a probe may take before the next one."""
    half_open_max_attempts: int = 1
    """Probes at once."""
    success_threshold: int = 1
    """Successful probes that close it."""

    def __post_init__(self) -> None:
        for name in ("failure_threshold", "reset_timeout_s", "half_open_max_attempts", "success_threshold"):
            if getattr(self, name) <= 0:
                raise SettingsError(f"breaker: {name} = {getattr(self, name)} must be more than 0")

    @property
    def reset_ms(self) -> int:
        """`reset_timeout_s` in milliseconds."""
        return round(self.reset_timeout_s * 1000)


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state. Times are milliseconds since 1970."""

    at_ms: int
    before: CircuitState
    after: CircuitState
    reason: str


@dataclass(frozen=True, slots=True)
class Rest:
    """The other side, which works, wants to be left alone with something until then."""

    of: str
    """With what, such as one of its models."""
    until_ms: int


@dataclass(frozen=True, slots=True)
class Circuit:
    """What all workers know of one circuit."""

    name: str
    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    """Consecutive ones."""
    successes: int = 0
    """Of probes, since it opened last."""
    era: int = 0
    """Raised by every change of state. A call that was admitted in an earlier era says nothing of this one."""
    opened_at_ms: int | None = None
    retry_at_ms: int | None = None
    """When the next probe may go; None while open: not before somebody closes it."""
    probes: int = 0
    """Under way while half-open."""
    reason: str = ""
    """Why it is held open, if somebody did."""
    transitions: tuple[Transition, ...] = ()
    """The last ones, the latest at the end."""
    rests: tuple[Rest, ...] = ()
    """What it asked for itself, whatever its state."""
    version: int = 0
    """Of the item that it was read from; raised by every write."""


@dataclass(frozen=True, slots=True)
class Through:
    """The call may be made; nothing changes."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The call may be made if this becomes the circuit: it finds out how the other side is."""

    circuit: Circuit


@dataclass(frozen=True, slots=True)
class Refused:
    """The call must not be made; `until_ms` is None where only a person or a check ends it."""

    until_ms: int | None


def admit(circuit: Circuit, settings: BreakerSettings, now_ms: int) -> Through | Probe | Refused:
    """Whether a call may be made now."""
    if circuit.state is CircuitState.CLOSED:
        return Through()
    due = circuit.retry_at_ms is not None and now_ms >= circuit.retry_at_ms
    lease_ends_ms = now_ms + settings.reset_ms
    if circuit.state is CircuitState.OPEN:
        if not due:
            return Refused(circuit.retry_at_ms)
        half_open = _move(circuit, CircuitState.HALF_OPEN, now_ms, "a probe goes")
        return Probe(replace(half_open, retry_at_ms=lease_ends_ms, probes=1))
    if due:  # no probe has answered: crashed, or hanging
        return Probe(replace(circuit, retry_at_ms=lease_ends_ms, probes=1))
    if circuit.probes < settings.half_open_max_attempts:
        return Probe(replace(circuit, probes=circuit.probes + 1))
    return Refused(circuit.retry_at_ms)


def succeed(circuit: Circuit, settings: BreakerSettings, era: int, now_ms: int) -> Circuit:
    """The circuit after a call of this era succeeded; the same one if that changes nothing."""
    if era != circuit.era or circuit.state is CircuitState.OPEN:
        return circuit
    if circuit.state is CircuitState.CLOSED:
        return replace(circuit, failures=0) if circuit.failures else circuit
    successes = circuit.successes + 1
    if successes < settings.success_threshold:
        return replace(circuit, successes=successes, probes=max(0, circuit.probes - 1))
    return close(replace(circuit, successes=successes), now_ms, "a probe succeeded")


def fail(circuit: Circuit, settings: BreakerSettings, era: int, now_ms: int) -> Circuit:
    """The circuit after a call of this era failed; the same one if that changes nothing."""
    if era != circuit.era or circuit.state is CircuitState.OPEN:
        return circuit
    counted = replace(circuit, failures=circuit.failures + 1)
    if circuit.state is CircuitState.CLOSED and counted.failures < settings.failure_threshold:
        return counted
    probed = circuit.state is CircuitState.HALF_OPEN
    reason = "a probe failed" if probed else f"{counted.failures} failures in a row"
    opened = _move(counted, CircuitState.OPEN, now_ms, reason)
    return replace(opened, opened_at_ms=now_ms, retry_at_ms=now_ms + settings.reset_ms, successes=0)


def abandon(circuit: Circuit, era: int) -> Circuit:
    """The circuit after a probe of this era was never made, so that another may be."""
    if era != circuit.era or circuit.state is not CircuitState.HALF_OPEN:
        return circuit
    return replace(circuit, probes=max(0, circuit.probes - 1))


def rest(circuit: Circuit, of: str, until_ms: int, now_ms: int) -> Circuit:
    """The circuit after the other side asked to be left alone; the same one if it is so for as long already."""
    if (rests_until(circuit, of, now_ms) or now_ms) >= until_ms:
        return circuit
    others = tuple(one for one in circuit.rests if one.of != of and one.until_ms > now_ms)
    return replace(circuit, rests=(*others, Rest(of, until_ms)))


def rests_until(circuit: Circuit, of: str, now_ms: int) -> int | None:
    """Until when the other side wants to be left alone; None if it may be asked."""
    return next((one.until_ms for one in circuit.rests if one.of == of and one.until_ms > now_ms), None)


def close(circuit: Circuit, now_ms: int, reason: str) -> Circuit:
    """The circuit closed, with nothing counted."""
    closed = _move(circuit, CircuitState.CLOSED, now_ms, reason)
    return replace(closed, failures=0, opened_at_ms=None, retry_at_ms=None)


def hold(circuit: Circuit, now_ms: int, until_ms: int | None, reason: str) -> Circuit:
    """The circuit held open, whatever it was; the same one if it is held so already."""
    if circuit.state is CircuitState.OPEN and circuit.reason == reason and circuit.retry_at_ms == until_ms:
        return circuit
    held = _move(circuit, CircuitState.OPEN, now_ms, reason)
    return replace(held, opened_at_ms=now_ms, retry_at_ms=until_ms, successes=0, reason=reason)


def _move(circuit: Circuit, after: CircuitState, now_ms: int, reason: str) -> Circuit:
    transition = Transition(now_ms, circuit.state, after, reason)
    kept = (*circuit.transitions, transition)[-_TRANSITIONS_KEPT:]
    return replace(circuit, state=after, era=circuit.era + 1, probes=0, reason="", transitions=kept)
