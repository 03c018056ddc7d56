"""What the channels that are told over HTTP share: one JSON body, posted, and what its answer means."""

import json
from collections.abc import Mapping
from typing import Any

from backstay.clock import Clock, utc_now
from backstay.outbound.sender import Bounds, Request, Sends
from backstay.outbound.verdict import SHOWN_CHARACTERS, check_status

MARGIN_S = 2.0
LONGEST_TRY_S = 10.0


def json_text(content: Mapping[str, Any]) -> str:
    """The body to send."""
    return json.dumps(content, separators=(",", ":"))


class Posting:
    """Posts JSON.

    Args:
        sender: sends it.
        clock: UTC, for a `Retry-After` that names a date.
    """

    def __init__(self, sender: Sends, clock: Clock = utc_now) -> None:
        self._sender, self._clock = sender, clock

    def post(self, url: str, body: str, headers: Mapping[str, str] | None = None, *, within_s: float) -> None:
        """Make one try.

        Raises:
            NotNow, UnreachableError: a later try may arrive.
            Rejected, AddressRefusedError: none will.
        """
        bounds = Bounds(total_s=min(LONGEST_TRY_S, within_s), body_bytes=4 * SHOWN_CHARACTERS)
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        response = self._sender.send(Request(url, headers=all_headers, body=body.encode(), bounds=bounds))
        check_status(response, self._clock())
