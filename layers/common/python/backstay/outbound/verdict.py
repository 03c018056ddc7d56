"""What an answer's status means for the job that asked. Pure; one rule for webhooks and calls."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from backstay.errors import NotNow, Rejected
from backstay.outbound.sender import Response

SHOWN_CHARACTERS = 2_048
LONGEST_RETRY_AFTER_S = 86_400.0

_LATER = frozenset({408, 425, 429})


def check_status(response: Response, now: datetime) -> None:
    """Return for 2xx.

    Args:
        response: the answer.
        now: UTC, for a `Retry-After` that names a date.

    Raises:
        NotNow: 408, 425, 429 or 5xx; with what `Retry-After` asks for.
        Rejected: any other status, with the first 2,048 characters of the body.
    """
    status = response.status
    if 200 <= status < 300:
        return
    if status in _LATER or status >= 500:
        wait_s = read_retry_after(response.headers.get("retry-after"), now)
        raise NotNow(f"{response.origin} answered {status}", retry_after_s=wait_s)
    hint = "; redirects are not followed, give the final URL" if 300 <= status < 400 else ""
    shown = response.body.decode("utf-8", errors="replace")[:SHOWN_CHARACTERS]
    raise Rejected(f"{response.origin} answered {status}{hint}: {shown}")


def read_retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for, at most a day; None where it asks for nothing sensible."""
    if header is None:
        return None
    text = header.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return min(float(text), LONGEST_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), LONGEST_RETRY_AFTER_S)
