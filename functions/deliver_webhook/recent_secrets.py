"""Webhook secrets as they were read a short while ago: Secrets Manager is billed by the read."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

REMEMBER_S = 300.0
"""How long a process signs with what it read. A replaced secret signs for a day more, so nobody is stranded."""

_MOST_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class _Remembered:
    secrets: tuple[str, ...]
    until: float


class RecentSecrets:
    """The secrets of API keys, each read again after five minutes. That a key has none is never remembered.

    Args:
        read: answers a key's secrets, the newest first.
        elapsed: seconds that only ever grow.
    """

    def __init__(self, read: Callable[[str], tuple[str, ...]], elapsed: Callable[[], float] = time.monotonic) -> None:
        self._read, self._elapsed = read, elapsed
        self._remembered: dict[str, _Remembered] = {}
        self._lock = threading.Lock()

    def get(self, key_id: str) -> tuple[str, ...]:
        """A key's secrets, the newest first. Raises what reading raises."""
        with self._lock:
            known = self._remembered.get(key_id)
        if known and self._elapsed() < known.until:
            return known.secrets
        secrets = self._read(key_id)
        with self._lock:
            self._remembered.pop(key_id, None)
            self._remembered[key_id] = _Remembered(secrets, self._elapsed() + REMEMBER_S)
            while len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)))
        return secrets
