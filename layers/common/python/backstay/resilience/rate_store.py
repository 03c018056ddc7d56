"""A rate's window in the guards table: one item a name."""

import json
import time
from typing import Any

from backstay.errors import BackstayError
from backstay.resilience.versioned_item import Overtaken, Seen, VersionedItems
from backstay.resilience.window import Lot, Window

_KEPT_S = 2 * 86_400  # the day's count must outlast its day


class WindowStore:
    """Reads and writes the window of one rate."""

    def __init__(self, name: str, table: str) -> None:
        self._id, self._items = f"rate#{name}", VersionedItems(table)

    def read(self) -> tuple[Window, int]:
        """The window, and its version."""
        return _window(self._items.read(self._id))

    def write(self, window: Window, over: int) -> None:
        """Put this window in place of that version.

        Raises:
            Moved: somebody else has written meanwhile.
        """
        attributes: dict[str, Any] = {
            # As text: a list of numbers of its own would take twice the room, and each write pays for it.
            "lots": json.dumps([[lot.first_ms, lot.last_ms, lot.requests, lot.tokens] for lot in window.lots]),
            "day": window.day,
            "day_requests": window.day_requests,
            "ttl": int(time.time()) + _KEPT_S,
        }
        try:
            self._items.write(self._id, attributes, over)
        except Overtaken:
            raise Moved("the window has moved on") from None


class Moved(BackstayError):  # noqa: N818 - no fault: somebody else was faster
    """The window has moved on since it was read."""


def _window(seen: Seen) -> tuple[Window, int]:
    item = seen.attributes
    if not item:
        return Window(), seen.version
    lots = tuple(Lot(*lot) for lot in json.loads(item["lots"]))
    return Window(lots, item["day"], item["day_requests"]), seen.version
