"""At most so many calls at once in a process, so that one slow neighbour can't take every thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backstay.errors import ErrorClass, WorkError
from backstay.settings import SettingsError

_RETRY_AFTER_S = 1.0


class BulkheadFull(WorkError):  # noqa: N818 - a refusal, not a fault of the program
    """As many calls as may run at once are running."""

    def __init__(self, name: str, at_once: int, wait_s: float) -> None:
        waited = f", and none ended within {wait_s:g} s" if wait_s else ""
        message = f"bulkhead {name!r} is full: {at_once} calls are running in this process{waited}"
        super().__init__(ErrorClass.BULKHEAD_FULL, message, retry_after_s=_RETRY_AFTER_S)
        self.name = name


class Bulkhead:
    """Seats for calls, in one process. In the fleet, event source concurrency bounds them.

    Args:
        name: what it is for; named in refusals.
        at_once: how many calls may run.
        wait_s: how long a call waits for a seat before it is refused.

    Raises:
        SettingsError: at_once or wait_s is out of range.
    """

    def __init__(self, name: str, at_once: int = 10, wait_s: float = 0) -> None:
        if at_once < 1:
            raise SettingsError(f"bulkhead {name!r}: at_once = {at_once} must be at least 1")
        if wait_s < 0:
            raise SettingsError(f"bulkhead {name!r}: wait_s = {wait_s} must not be negative")
        self.name, self.at_once, self.wait_s = name, at_once, wait_s
        self._seats = threading.BoundedSemaphore(at_once)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """Hold a seat for the time of the `with` block.

        Raises:
            BulkheadFull: no seat became free in time.
        """
        if not self._seats.acquire(timeout=self.wait_s):
            raise BulkheadFull(self.name, self.at_once, self.wait_s)
        try:
            yield
        finally:
            self._seats.release()
