"""When two questions are the same: a hash of whose they are and of every parameter of the request."""

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backstay.llm.request import Request
from backstay.llm.use import CachePolicy

_LAYOUT = 1  # raise it when what is kept or hashed changes


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose answers they are; nobody else is given them."""

    tenant: str
    task: str
    policy: CachePolicy


def key_of(scope: Scope, route: str, request: Request) -> str:
    """The key of a request's answer by one route."""
    policy, form = scope.policy, request.form
    shape = (form.name, form.description, form.schema) if form else None
    return _hash(
        _LAYOUT,
        scope.tenant,
        scope.task,
        (policy.normalise, policy.prompt_version, policy.also),
        route,
        [(turn.role, normalised(turn.content) if policy.normalise else turn.content) for turn in request.messages],
        shape,
        (request.max_output_tokens, request.temperature),
    )


def key_of_all(keys: Sequence[str]) -> str:
    """The key of a question that any of several routes may answer."""
    return _hash(*keys)


def normalised(text: str) -> str:
    """A text without what people type differently: width and composition of letters, case, white space."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
