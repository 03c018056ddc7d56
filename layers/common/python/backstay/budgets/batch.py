"""Jobs that run side by side: their calls are reserved for together, and settled together when the last has ended."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakMethod


class Batch:
    """What a process is running. Knows nothing of money, so that workers which spend none load nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = 0
        self._at_end: list[WeakMethod[Callable[[], None]]] = []
        self.number = 0
        """How many batches have begun."""

    @property
    def size(self) -> int:
        """Jobs that run side by side now; 0 outside a batch."""
        return self._size

    def at_end(self, settle: Callable[[], None]) -> None:
        """Have this method called whenever a batch has ended, for as long as its object lives."""
        with self._lock:
            self._at_end.append(WeakMethod(settle))

    @contextmanager
    def of(self, jobs: int) -> Iterator[None]:
        """Run so many jobs inside."""
        with self._lock:
            self._size += jobs
            self.number += 1
        try:
            yield
        finally:
            with self._lock:
                self._size -= jobs
                self._at_end = [method for method in self._at_end if method()]
                methods = tuple(self._at_end)
            for method in methods:
                if settle := method():
                    settle()


batch = Batch()
"""This process's."""
