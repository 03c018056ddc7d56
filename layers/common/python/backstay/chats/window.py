"""How many messages a session may send in a sliding minute. Pure."""

from dataclasses import dataclass

MESSAGES = 10
WINDOW_MS = 60_000


@dataclass(frozen=True, slots=True)
class Admitted:
    """A message that was let in, and when: milliseconds since 1970."""

    at_ms: int
    message_id: str


@dataclass(frozen=True, slots=True)
class Full:
    """There is no room now."""

    wait_s: float
    """Seconds until there is."""


Window = tuple[Admitted, ...]
"""The messages of a session that were let in lately, in the order in which that happened."""


def admit(window: Window, message_id: str, now_ms: int) -> Window | Full:
    """The window with one message more, the very same one if that message is in it, or how long to wait."""
    if any(admitted.message_id == message_id for admitted in window):
        return window
    recent = tuple(admitted for admitted in window if admitted.at_ms > now_ms - WINDOW_MS)
    if len(recent) < MESSAGES:
        return (*recent, Admitted(now_ms, message_id))
    leaves_first = sorted(admitted.at_ms for admitted in recent)[len(recent) - MESSAGES]
    return Full(max(1, leaves_first + WINDOW_MS - now_ms) / 1000)
