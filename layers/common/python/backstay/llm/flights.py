"""Threads of one process that want the same thing at once: one gets it, the others wait for what it gets."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from backstay.errors import WorkError

T = TypeVar("T")


class StillFlying(Exception):  # noqa: N818 - a state, not a fault
    """The one that went has not come back within the time to wait."""


class Flights(Generic[T]):
    """What is being got, by key."""

    def __init__(self) -> None:
        self._flights: dict[str, Future[T]] = {}
        self._lock = threading.Lock()

    def join(self, key: str, get: Callable[[], T], patience_s: float) -> tuple[T, bool]:
        """Get something, or wait for the thread that is already getting it.

        Returns:
            What was got, and whether this thread did it itself.

        Raises:
            StillFlying: the other thread took longer than this one could wait.
            WorkError: getting it failed; everybody who waited is told the same. Any other exception is only the
                other thread's own, and this one tries for itself.
        """
        while True:
            with self._lock:
                flight = self._flights.get(key)
                mine = flight is None
                if flight is None:
                    flight = self._flights[key] = Future()
            if mine:
                return self._go(key, get, flight), True
            try:
                error = flight.exception(patience_s)
            except TimeoutError:
                raise StillFlying from None
            if error is None:
                return flight.result(), False
            if isinstance(error, WorkError):
                raise error

    def _go(self, key: str, get: Callable[[], T], flight: "Future[T]") -> T:
        try:
            got = get()
        except BaseException as error:
            self._land(key)
            flight.set_exception(error)
            raise
        self._land(key)
        flight.set_result(got)
        return got

    def _land(self, key: str) -> None:
        with self._lock:
            del self._flights[key]
