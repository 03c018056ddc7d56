"""Headers whose values are secrets: read by name in the worker, kept for a while in its memory, written nowhere."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from backstay.errors import Rejected

from .models import HeaderText, SecretValue

PREFIX = "outbound/"
"""Below the stage's own prefix in Secrets Manager."""

FRESH_S = 300.0
"""A rotated secret is in use everywhere within five minutes. That there is none is never remembered."""

_MOST_KEPT = 200


@dataclass(frozen=True, slots=True)
class Resolved:
    """Headers ready to be sent, and which of their values nobody must see."""

    headers: Mapping[str, str] = field(repr=False)
    """Names in the usual spelling, such as `Content-Type`."""
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Kept:
    value: str = field(repr=False)
    until: float


class HeaderSecrets:
    """Resolves headers.

    Args:
        read: a secret by its name without the stage's prefix, or None.
        elapsed: seconds that only ever grow.
    """

    def __init__(self, read: Callable[[str], str | None], elapsed: Callable[[], float] = time.monotonic) -> None:
        self._read, self._elapsed = read, elapsed
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def resolve(self, headers: Mapping[str, HeaderText | SecretValue], tenant: str) -> Resolved:
        """Headers with every secret in its place.

        Raises:
            Rejected: there is no such secret, it is another tenant's, or no header could carry it.
            WorkError: Secrets Manager does not answer.
        """
        resolved: dict[str, str] = {}
        secrets = []
        for name, value in headers.items():
            if isinstance(value, SecretValue):
                secrets.append(self._get(value.secret, tenant))
                resolved[_spelled(name)] = secrets[-1]
            else:
                resolved[_spelled(name)] = value
        return Resolved(resolved, tuple(secrets))

    def _get(self, name: str, tenant: str) -> str:
        owner, slash, _ = name.partition("/")
        if slash and owner != tenant:
            raise Rejected(f"secret {name!r} belongs to tenant {owner!r}, and this job is of {tenant!r}")
        with self._lock:
            kept = self._kept.get(name)
        if kept and self._elapsed() < kept.until:
            return kept.value
        value = self._read(PREFIX + name)
        if value is None:
            raise Rejected(f"there is no secret {PREFIX + name!r}; make it: backstay secrets set {PREFIX + name}")
        if not value.isprintable() or not value.isascii():
            raise Rejected(f"secret {PREFIX + name!r} can't be a header's value: it holds more than printable ASCII")
        with self._lock:
            self._kept.pop(name, None)
            self._kept[name] = _Kept(value, self._elapsed() + FRESH_S)
            while len(self._kept) > _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
        return value


def _spelled(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))
