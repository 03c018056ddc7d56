"""How long to wait between attempts: pure policy, for whoever waits. Nothing here sleeps for more than a second."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from backstay.settings import SettingsError

T = TypeVar("T")

QUICKLY_S = 1.0
"""All waits of retries in the process together stay under this; longer ones are given back to AWS."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter.

    Raises:
        SettingsError: names the field and its value.
    """

    attempts: int = 3
    """How often it is tried in all."""
    base_s: float = 2
    """The most that is waited before the first retry."""
    factor: float = 2
    cap_s: float = 900
    """No computed or asked-for wait is longer."""
    floor_s: float = 1
    """No wait is shorter."""

    def __post_init__(self) -> None:
        for name, least in (("attempts", 1), ("base_s", 0), ("factor", 1), ("floor_s", 0), ("cap_s", self.floor_s)):
            if not getattr(self, name) >= least:
                raise SettingsError(f"retry policy: {name} = {getattr(self, name)} must be at least {least}")

    def allows(self, failures: int) -> bool:
        """Whether another attempt is left after so many failed ones."""
        return failures < self.attempts

    def delay_s(self, failures: int, luck: float, retry_after_s: float | None = None) -> float:
        """Seconds to wait after so many failed attempts.

        Args:
            failures: 1 after the first.
            luck: 0 to 1, the jitter's random number.
            retry_after_s: what the other side asked for; it wins over the computed wait.
        """
        if retry_after_s is not None:
            return min(self.cap_s, max(self.floor_s, retry_after_s))
        ceiling = min(self.cap_s, self.base_s * self.factor ** min(failures - 1, 64))
        return max(self.floor_s, ceiling * luck)


QUICK = RetryPolicy(attempts=3, base_s=0.1, cap_s=0.4, floor_s=0.01)


def retry_quickly(
    operation: Callable[[], T],
    *,
    on: tuple[type[Exception], ...],
    policy: RetryPolicy = QUICK,
    sleep: Callable[[float], None] = time.sleep,
    luck: Callable[[], float] = random.random,
) -> T:
    """Try an operation again at once when it fails with one of these errors; under one second of waiting in total.

    Args:
        operation: what to do; must be safe to repeat.
        on: the errors after which it is tried again.
        policy: how often and how soon.
        sleep: waits so many seconds.
        luck: 0 to 1, the jitter.

    Raises:
        Exception: what the operation raised last, or raised that is not in `on`.
    """
    waited_s, failures = 0.0, 0
    while True:
        try:
            return operation()
        except on:
            failures += 1
            wait_s = policy.delay_s(failures, luck())
            if not policy.allows(failures) or waited_s + wait_s >= QUICKLY_S:
                raise
        sleep(wait_s)
        waited_s += wait_s
