"""Whether a worker's process has used too much of its memory or of its processor for long."""

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backstay.alerts.rules import Rule

MEMORY, CPU = "system.memory.high", "system.cpu.high"

_MB = 1_048_576
_EVERY_S = 5.0
"""How far apart what is remembered was measured, so that looking at minutes of it costs nothing."""
_MB_PER_CPU = 1769
"""At so much memory a function has one whole core (Lambda developer guide, "Configure memory")."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a process has used up to a moment."""

    at_s: float
    """On a clock that only ever grows."""
    cpu_s: float
    """Of the processor since it started."""
    memory_bytes: int
    """Now."""


def use_now() -> Use:
    """Of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Use(time.monotonic(), time.process_time(), pages * os.sysconf("SC_PAGE_SIZE"))


@dataclass(frozen=True, slots=True)
class TooMuch:
    """What has been too much for as long as its rule says."""

    rule: str
    percent: float
    minutes: int


class Strain:
    """One process's.

    Args:
        rules: by name.
        memory_mb: what the function was given, of which follows its part of the processor.
        use: what the process uses.
    """

    def __init__(self, rules: "Mapping[str, Rule]", memory_mb: int, use: Callable[[], Use] = use_now) -> None:
        self._rules, self._memory_mb, self._use = rules, memory_mb, use
        self._cpus = memory_mb / _MB_PER_CPU
        self._seen = {name: deque([use()]) for name in (MEMORY, CPU)}

    def too_much(self) -> tuple[TooMuch, ...]:
        """What has been above its rule's threshold for all of the rule's minutes; told once in that time.

        To be asked often: what is used is looked at when this is asked.
        """
        now = self._use()
        percents = {MEMORY: self._least_memory, CPU: self._cpu_over}
        found = []
        for name, percent_of in percents.items():
            rule, seen = self._rules[name], self._seen[name]
            if now.at_s - seen[-1].at_s < _EVERY_S:
                continue
            seen.append(now)
            window_s = 60 * (rule.minutes or 1)
            if seen[-1].at_s - seen[0].at_s < window_s:
                continue
            while len(seen) > 2 and seen[-1].at_s - seen[1].at_s >= window_s:
                seen.popleft()
            percent = percent_of(seen)
            if rule.enabled and percent > (rule.threshold or 100):
                found.append(TooMuch(name, percent, rule.minutes or 1))
                self._seen[name] = deque([seen[-1]])
        return tuple(found)

    def _least_memory(self, seen: "deque[Use]") -> float:
        return min(map(self._memory_percent, seen))

    def _cpu_over(self, seen: "deque[Use]") -> float:
        return self._cpu_percent(seen[0], seen[-1])

    def _memory_percent(self, use: Use) -> float:
        return 100 * use.memory_bytes / (self._memory_mb * _MB)

    def _cpu_percent(self, before: Use, after: Use) -> float:
        return 100 * (after.cpu_s - before.cpu_s) / max(after.at_s - before.at_s, 1e-3) / self._cpus
