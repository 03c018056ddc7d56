"""What happened outside: counted as a receiver counts that takes each `Idempotency-Key` once."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tests.receivers import Received


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that happened."""

    run_id: str
    step: str
    direction: str


def effects_of(received: Iterable[Received]) -> list[Effect]:
    """What the requests amount to, in the order in which it happened."""
    first: dict[str, Effect] = {}
    for request in received:
        first.setdefault(request.headers["idempotency-key"], Effect(**json.loads(request.body)))
    return list(first.values())


def doubled(effects: Iterable[Effect]) -> int:
    """How many effects were too many: the same one, under another key."""
    return sum(count - 1 for count in Counter(effects).values())
