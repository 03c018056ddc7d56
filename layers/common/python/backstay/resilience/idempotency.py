"""Run an operation once for a key: whoever comes with the same key, then or later, gets the same result."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from backstay.errors import BackstayError, ErrorClass, WorkError
from backstay.resilience.deadline import remaining_s
from backstay.resilience.retry import RetryPolicy, retry_quickly
from backstay.telemetry import logger

Json: TypeAlias = Any
"""None, bool, int, float, str, or a list or string-keyed dict of them."""

KEPT_S = 86_400
LONGEST_RUN_S = 900.0
"""A Lambda's longest life; how long an operation is waited for that runs outside of any deadline and job."""
_OUTLIVES_S = 30.0
"""A Lambda is killed up to this long after its job's deadline; what it had begun may run until then."""
_LONGEST_RESULT = 300_000  # DynamoDB's item ends at 400 kB
_LONGEST_WAIT_S = 15.0
_LOOK_AGAIN = RetryPolicy(attempts=5, base_s=0.1, cap_s=0.4, floor_s=0.05)


class StillRunning(WorkError):  # noqa: N818 - a refusal, not a fault of the program
    """Another process is running the operation, or died while it did: its result, or its turn, comes later."""

    def __init__(self, key: str, wait_s: float) -> None:
        message = f"the operation with key {key} is running in another process; its result comes later"
        super().__init__(ErrorClass.UNREACHABLE, message, retry_after_s=min(_LONGEST_WAIT_S, max(1.0, wait_s)))


class NotStorableError(BackstayError):
    """The operation's result can't be kept for the next caller."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The key is ours until then (milliseconds since 1970): run the operation."""

    lease_ms: int


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else runs it, until then at most (milliseconds since 1970)."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class Finished:
    """It has run; its result as JSON."""

    result: str


class Store(Protocol):
    """Where keys and results are kept."""

    def begin(self, key: str, lease_ms: int) -> Begun | Busy | Finished:
        """Take the key until `lease_ms` unless somebody has it or has finished."""
        ...

    def finish(self, key: str, begun: Begun, result: str, kept_s: int) -> bool:
        """Keep the result, unless the lease was lost to another run; answers whether."""
        ...

    def forget(self, key: str, begun: Begun) -> None:
        """Let the key go, unless the lease was lost to another run."""
        ...


class MemoryStore:
    """Keys and results in the process, for tests."""

    def __init__(self, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._now_ms, self._lock = now_ms, threading.Lock()
        self._running: dict[str, int] = {}
        self._finished: dict[str, tuple[str, int]] = {}

    def begin(self, key: str, lease_ms: int) -> Begun | Busy | Finished:
        """See `Store`."""
        with self._lock:
            result, kept_until_ms = self._finished.get(key, ("", 0))
            if self._now_ms() < kept_until_ms:
                return Finished(result)
            if self._now_ms() < self._running.get(key, 0):
                return Busy(self._running[key])
            self._running[key] = lease_ms
            return Begun(lease_ms)

    def finish(self, key: str, begun: Begun, result: str, kept_s: int) -> bool:
        """See `Store`."""
        with self._lock:
            if self._running.get(key) != begun.lease_ms:
                return False
            del self._running[key]
            self._finished[key] = (result, self._now_ms() + kept_s * 1000)
            return True

    def forget(self, key: str, begun: Begun) -> None:
        """See `Store`."""
        with self._lock:
            if self._running.get(key) == begun.lease_ms:
                del self._running[key]


def key_of(*parts: str) -> str:
    """A key from what makes the operation the same one; each part counts as it is, none runs into the next."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


class Idempotency:
    """Runs operations once per key; one object a process and store.

    Args:
        store: `MemoryStore`, or `idempotency_table.TableStore`.
        kept_s: how long results are kept.
        now_ms: the wall clock, milliseconds since 1970.
        sleep: waits so many seconds, under one in total.
    """

    def __init__(
        self,
        store: Store,
        *,
        kept_s: int = KEPT_S,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store, self._kept_s, self._now_ms, self._sleep = store, kept_s, now_ms, sleep
        self._under_way: dict[str, Future[Json]] = {}
        self._lock = threading.Lock()

    def once(self, key: str, operation: Callable[[], Json], *, at_most_s: float | None = None) -> Json:
        """The operation's result, run now or got from whoever ran it. A failure stores nothing.

        Args:
            key: such as `key_of` makes.
            operation: answers what JSON can hold.
            at_most_s: how long it can take at the very most; what the deadline or job has left by default. If this
                process dies, nobody runs the operation again before that is over.

        Raises:
            StillRunning: another process is at it, for longer than a moment.
            NotStorableError: the result is no JSON, or longer than 300,000 characters.
            Exception: what the operation raised, to every caller in this process that waited for it.
        """
        with self._lock:
            if leads := key not in self._under_way:
                self._under_way[key] = Future()
            mine = self._under_way[key]
        if not leads:
            return _copy(mine.result())
        try:
            mine.set_result(self._look_or_run(key, operation, at_most_s))
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._under_way[key]
        return _copy(mine.result())

    def _look_or_run(self, key: str, operation: Callable[[], Json], at_most_s: float | None) -> str:
        life_s = min(remaining_s(), LONGEST_RUN_S) if at_most_s is None else at_most_s

        def begin() -> Begun | Finished:
            lease_ms = self._now_ms() + round((life_s + _OUTLIVES_S) * 1000)
            begun = self._store.begin(key, lease_ms)
            if isinstance(begun, Busy):
                raise StillRunning(key, (begun.until_ms - self._now_ms()) / 1000)
            return begun

        begun = retry_quickly(begin, on=(StillRunning,), policy=_LOOK_AGAIN, sleep=self._sleep)
        return begun.result if isinstance(begun, Finished) else self._run(key, begun, operation)

    def _run(self, key: str, begun: Begun, operation: Callable[[], Json]) -> str:
        try:
            text = _to_text(operation())
        except BaseException:
            self._store.forget(key, begun)
            raise
        if not self._store.finish(key, begun, text, self._kept_s):
            logger().warning("an operation outlived its lease; its result is not kept", key=key)
        return text


def _to_text(result: Json) -> str:
    try:
        text = json.dumps(result, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise NotStorableError(f"the result of an operation to run once must be JSON: {error}") from error
    if len(text) > _LONGEST_RESULT:
        raise NotStorableError(f"the result has {len(text)} characters, more than {_LONGEST_RESULT}; keep a reference")
    return text


def _copy(text: str) -> Json:
    return json.loads(text)
