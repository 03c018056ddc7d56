"""Circuits in the guards table, and what a process remembers of them for a moment."""

import functools
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from aws_lambda_powertools.utilities.circuit_breaker import CircuitState, CircuitTransition
from botocore.exceptions import BotoCoreError, ClientError

from backstay.resilience.circuit import Circuit, Rest, Transition
from backstay.resilience.transitions import announce_unreadable
from backstay.resilience.versioned_item import Overtaken, Seen, VersionedItems
from backstay.telemetry import logger

Move: TypeAlias = Callable[[Circuit], Circuit]

_MOST_ROUNDS = 50  # each is lost to a change that somebody else made; a circuit that opens stands still


@dataclass(frozen=True, slots=True)
class _View:
    """What was learned of a circuit, and when; the times are monotonic seconds."""

    circuit: Circuit | None
    """None if its state could not be read."""
    asked_at: float
    stale_at: float


_NOTHING = _View(None, float("-inf"), float("-inf"))


@dataclass(slots=True)
class _Memory:
    """What a process knows of one circuit."""

    view: _View = _NOTHING
    reading: threading.Lock = field(default_factory=threading.Lock)
    """Held while one thread reads for all that wait; never during anybody's call."""
    changing: threading.Lock = field(default_factory=threading.Lock)
    """Held while one thread writes for all that wait; never during anybody's call."""
    moves: deque[Move] = field(default_factory=deque)
    """What is still to be made of the circuit by whoever writes next."""


class CircuitStore:
    """Reads and changes circuits.

    Args:
        table: the guards table.
        on_transition: told of each change of state that this process made.
        cache_s: how long what was read is taken for granted.
    """

    def __init__(self, table: str, on_transition: Callable[[CircuitTransition], None], cache_s: float) -> None:
        self._items, self._on_transition, self._cache_s = VersionedItems(table), on_transition, cache_s
        self._memories: dict[str, _Memory] = {}

    def read(self, name: str) -> Circuit | None:
        """The circuit, at most `cache_s` old; None if its state can't be read."""
        memory, now = self._memory_of(name), time.monotonic()
        if now < memory.view.stale_at:
            return memory.view.circuit
        with memory.reading:
            if memory.view.asked_at < now and time.monotonic() >= memory.view.stale_at:
                self._read_anew(name, memory)  # else another thread has asked meanwhile
            return memory.view.circuit

    def replace(self, old: Circuit, new: Circuit) -> tuple[bool, Circuit]:
        """Put `new` in place of `old` if that is what stands there. Answers whether, and what stands there then.

        If the table can't be reached, the answer is no.
        """
        try:
            return self._try(old, new)
        except (ClientError, BotoCoreError):
            logger().warning("circuit could not be changed", circuit=old.name, exc_info=True)
            return False, old

    def settle(self, name: str, move: Move) -> None:
        """Make a move on what stands now; moves of threads that wait together are made as one.

        What this process remembers is where it starts: a move that changes nothing there costs nothing. Failing to
        write is logged, never raised: the outcome of a call must not be lost to that of its guard.
        """
        memory = self._memory_of(name)
        known = memory.view.circuit
        if known and move(known) == known:
            return
        memory.moves.append(move)
        with memory.changing:
            waiting = [memory.moves.popleft() for _ in range(len(memory.moves))]
            if not waiting:
                return  # another thread has made it
            try:
                self._change(memory.view.circuit or self.look_up([name])[0], _all_of(waiting))
            except (ClientError, BotoCoreError):
                logger().warning("circuit could not be told how calls ended", circuit=name, exc_info=True)

    def change(self, name: str, move: Move) -> None:
        """Make a move on what stands in the table, whatever this process remembers.

        Raises:
            botocore.exceptions.ClientError, BotoCoreError: the table can't be reached.
        """
        self._change(self.look_up([name])[0], move)

    def look_up(self, names: list[str]) -> list[Circuit]:
        """Circuits as they stand, past the cache."""
        found = self._items.read_many([_id(name) for name in names]) if names else {}
        return [_circuit(name, found[_id(name)]) for name in names]

    def _change(self, old: Circuit, move: Move) -> None:
        for _ in range(_MOST_ROUNDS):
            new = move(old)
            if new == old:
                return
            done, old = self._try(old, new)
            if done:
                return
        logger().warning("circuit changes faster than this worker can follow", circuit=old.name)

    def _try(self, old: Circuit, new: Circuit) -> tuple[bool, Circuit]:
        try:
            return True, self._write(old, new)
        except Overtaken as overtaken:
            return False, _circuit(old.name, overtaken.now)

    def _write(self, old: Circuit, new: Circuit) -> Circuit:
        """Write, and remember what stands then, be it ours or what overtook it."""
        asked_at = time.monotonic()
        memory = self._memory_of(new.name)
        try:
            self._items.write(_id(new.name), _attributes(new), old.version)
        except Overtaken as overtaken:
            self._remember(memory, _circuit(old.name, overtaken.now), asked_at)
            raise
        written = replace(new, version=old.version + 1)
        self._remember(memory, written, asked_at)
        if new.state is not old.state:
            opened_at = new.opened_at_ms // 1000 if new.opened_at_ms is not None else None
            self._on_transition(CircuitTransition(new.name, old.state, new.state, opened_at))
        return written

    def _read_anew(self, name: str, memory: _Memory) -> None:
        asked_at = time.monotonic()
        try:
            circuit = _circuit(name, self._items.read(_id(name)))
        except (ClientError, BotoCoreError):
            if memory.view.circuit is not None or memory.view is _NOTHING:
                announce_unreadable(name)
            # Taken for granted like an answer, or every call would wait for a table that is down.
            memory.view = _View(None, asked_at, time.monotonic() + self._cache_s)
        else:
            self._remember(memory, circuit, asked_at)

    def _remember(self, memory: _Memory, circuit: Circuit, asked_at: float) -> None:
        known = memory.view
        if known.circuit and known.asked_at > asked_at and known.circuit.version >= circuit.version:
            return  # threads come back in another order than they asked
        failing = circuit.state is CircuitState.CLOSED and circuit.failures > 0
        memory.view = _View(circuit, asked_at, asked_at if failing else asked_at + self._cache_s)

    def _memory_of(self, name: str) -> _Memory:
        return self._memories.setdefault(name, _Memory())


def _all_of(moves: Sequence[Move]) -> Move:
    return lambda circuit: functools.reduce(lambda made, move: move(made), moves, circuit)


def _id(name: str) -> str:
    return f"breaker#{name}"


def _attributes(circuit: Circuit) -> dict[str, Any]:
    return {
        "state": str(circuit.state),
        "failures": circuit.failures,
        "successes": circuit.successes,
        "era": circuit.era,
        "opened_at_ms": circuit.opened_at_ms,
        "retry_at_ms": circuit.retry_at_ms,
        "probes": circuit.probes,
        "reason": circuit.reason,
        "transitions": [[one.at_ms, str(one.before), str(one.after), one.reason] for one in circuit.transitions],
        "rests": [[one.of, one.until_ms] for one in circuit.rests],
    }


def _circuit(name: str, seen: Seen) -> Circuit:
    item: Mapping[str, Any] = seen.attributes
    if not item:
        return Circuit(name)
    return Circuit(
        name=name,
        state=CircuitState(item["state"]),
        failures=item["failures"],
        successes=item["successes"],
        era=item["era"],
        opened_at_ms=item.get("opened_at_ms"),
        retry_at_ms=item.get("retry_at_ms"),
        probes=item["probes"],
        reason=item["reason"],
        transitions=tuple(
            Transition(at_ms, CircuitState(before), CircuitState(after), reason)
            for at_ms, before, after, reason in item["transitions"]
        ),
        rests=tuple(Rest(of, until_ms) for of, until_ms in item.get("rests", ())),
        version=seen.version,
    )
