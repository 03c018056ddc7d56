"""What the body of an error says, whichever provider wrote it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

A_KEY = "(a key)"
"""Stands for a key that a provider quotes."""

_KEY = re.compile(r"\b(sk|key|pk)-[\w*.-]{6,}")
"""Providers quote refused keys, masked or not."""


@dataclass(frozen=True, slots=True)
class Said:
    """The words and codes of an error body."""

    message: str
    codes: frozenset[str]
    status: int | None = None
    """The status that a gateway wraps, where it answers for somebody else."""
    retry_after_s: float | None = None


def read_body(body: object) -> Said:
    """What a body says; a gateway's with what its upstream said inside."""
    error = body.get("error", body) if isinstance(body, Mapping) else body
    if not isinstance(error, Mapping):
        return Said(_without_keys(str(error or "")), frozenset())
    said = _read_error(error)
    metadata = error.get("metadata")  # OpenRouter's
    return _with_upstream(said, metadata) if isinstance(metadata, Mapping) else said


def _read_error(error: Mapping[str, Any]) -> Said:
    wrapped = error.get("code")
    inner = [part for name in ("details", "innererror") if isinstance(part := error.get(name), Mapping)]
    codes = [error.get(name) for name in ("code", "type", "status", "__type")]
    codes += [part.get(name) for part in inner for name in ("error_code", "code")]
    return Said(
        _without_keys(str(error.get("message") or error.get("Message") or "")),
        frozenset(code.lower() for code in codes if isinstance(code, str)),
        wrapped if isinstance(wrapped, int) and 400 <= wrapped <= 599 else None,
    )


def _with_upstream(said: Said, metadata: Mapping[str, Any]) -> Said:
    upstream = read_body(_json_or_text(metadata.get("raw")))
    flagged = {"content_filter"} if metadata.get("reasons") or metadata.get("flagged_input") else set()
    wait = metadata.get("retry_after_seconds")
    return Said(
        ": ".join(filter(None, (said.message, upstream.message))),
        said.codes | upstream.codes | flagged,
        said.status,
        float(wait) if isinstance(wait, int | float) and wait >= 0 else None,
    )


def _json_or_text(raw: object) -> object:
    if not isinstance(raw, str):
        return raw
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def _without_keys(text: str) -> str:
    return _KEY.sub(A_KEY, text)
