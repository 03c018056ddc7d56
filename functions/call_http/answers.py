"""What an answer means for the job that asked for it. Pure."""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from backstay.errors import NotNow, Rejected
from backstay.outbound.sender import Response
from backstay.outbound.verdict import SHOWN_CHARACTERS, check_status

LARGEST_BODY_BYTES = 262_144

_JSON = re.compile(r"application/(json|[\w.+-]+\+json)")
_TEXT = re.compile(r"text/[\w.+-]+|application/(xml|[\w.+-]+\+xml|javascript|x-www-form-urlencoded|yaml)")
_CHARSET = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_SHORTEST_SECRET = 4
_HIDDEN = "[secret]"


def check_answer(response: Response, expected: tuple[int, ...], secrets: Iterable[str], now: datetime) -> None:
    """Return where the status is right and the body is whole.

    Args:
        response: the answer.
        expected: the statuses that are right; none stands for 200 to 299.
        secrets: what was sent and must not be shown, if it comes back.
        now: UTC.

    Raises:
        NotNow: a later try may do better.
        Rejected: none will; with the first 2,048 characters of the body.
    """
    is_right = response.status in expected if expected else 200 <= response.status < 300
    if not is_right:
        _refuse(response, expected, secrets, now)
    if not response.is_whole:
        if len(response.body) >= LARGEST_BODY_BYTES:
            limit = f"{LARGEST_BODY_BYTES // 1024} kB"
            raise Rejected(f"{response.origin} answered {response.status} with more than {limit}; ask for less")
        raise NotNow(f"{response.origin} answered {response.status}, and its body broke off")


def body_of(response: Response, secrets: Iterable[str]) -> Any:
    """JSON as a value, text and XML as text, None for anything else.

    Raises:
        Rejected: the body calls itself JSON and is none.
    """
    media_type = media_type_of(response) or ""
    if _JSON.fullmatch(media_type):
        text = hide(_text(response, "utf-8"), secrets)
        if not text.strip():
            return None
        try:
            return json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise Rejected(
                f"{response.origin} answered {media_type} that is none: {text[:SHOWN_CHARACTERS]}"
            ) from error
    return hide(_text(response, "utf-8"), secrets) if _TEXT.fullmatch(media_type) else None


def media_type_of(response: Response) -> str | None:
    """The content type without its parameters, in lower case."""
    header = response.headers.get("content-type")
    return header.split(";")[0].strip().lower() if header else None


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text without secrets that an echo brought back. Very short ones are left: hiding them would garble it."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, _HIDDEN).replace(json.dumps(secret)[1:-1], _HIDDEN)
    return text


def _refuse(response: Response, expected: tuple[int, ...], secrets: Iterable[str], now: datetime) -> None:
    if response.status >= 400:
        shown = hide(response.body.decode("utf-8", errors="replace"), secrets)
        check_status(
            Response(response.origin, response.status, response.headers, shown.encode(), response.is_whole), now
        )
    wanted = ", ".join(map(str, expected)) or "200 to 299"
    shown = hide(response.body.decode("utf-8", errors="replace"), secrets)[:SHOWN_CHARACTERS]
    raise Rejected(f"{response.origin} answered {response.status}, where {wanted} is right: {shown}")


def _text(response: Response, otherwise: str) -> str:
    named = _CHARSET.search(response.headers.get("content-type", ""))
    try:
        return response.body.decode(named[1] if named else otherwise, errors="replace")
    except LookupError:
        return response.body.decode(otherwise, errors="replace")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
