"""Answers that this process has seen lately. Losing them loses nothing: the cache table has them too."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

MOST = 1_000
FRESH_S = 300.0


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer that was paid for, and by which route."""

    provider: str
    model: str
    text: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cost_usd: Decimal | None = None
    """What it cost, which whoever gets it from the cache saves; None where nobody has priced it."""


class RecentAnswers:
    """The last thousand answers by key, each for five minutes. Used by many threads at once."""

    def __init__(self, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._kept: OrderedDict[str, tuple[CachedAnswer, float]] = OrderedDict()
        self._evicted = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def first(self, keys: Sequence[str]) -> CachedAnswer | None:
        """The answer under the first of the keys that has one."""
        with self._lock:
            for key in keys:
                answer, until = self._kept.get(key, (None, 0.0))
                if answer is None:
                    continue
                if until > self._clock():
                    self._kept.move_to_end(key)
                    return answer
                del self._kept[key]
        return None

    def keep(self, key: str, answer: CachedAnswer) -> None:
        """Keep an answer; the one unused for longest makes room for it."""
        with self._lock:
            self._kept[key] = (answer, self._clock() + FRESH_S)
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
                self._evicted += 1

    def take_evicted(self) -> int:
        """How many had to make room since this was last asked."""
        with self._lock:
            evicted, self._evicted = self._evicted, 0
        return evicted
