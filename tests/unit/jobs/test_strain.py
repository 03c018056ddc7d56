"""A worker's process that uses too much of what it has, for long enough."""

import pytest

from backstay.alerts.rules import BUILT_IN
from backstay.jobs.strain import CPU, MEMORY, Strain, TooMuch, Use, use_now

MEMORY_MB = 1769
"""At so much, a function has one core."""


class Process:
    """A process of a test's making."""

    def __init__(self) -> None:
        self.use = Use(0, 0, 0)
        self.strain = Strain(BUILT_IN, MEMORY_MB, lambda: self.use)

    def goes_on(self, seconds: float, *, cpu: float, memory: float) -> tuple[TooMuch, ...]:
        """Every ten seconds a batch, with these parts of a core and of the memory."""
        found: tuple[TooMuch, ...] = ()
        for _ in range(int(seconds // 10)):
            memory_bytes = round(memory * MEMORY_MB * 1_048_576)
            self.use = Use(self.use.at_s + 10, self.use.cpu_s + 10 * cpu, memory_bytes)
            found += self.strain.too_much()
        return found


@pytest.mark.parametrize(
    ("cpu", "memory", "rules"), [(0.9, 0.1, [CPU]), (0.1, 0.95, [MEMORY]), (1, 1, [MEMORY, CPU]), (0.8, 0.85, [])]
)
def test_what_lasts_for_five_minutes_is_told(cpu: float, memory: float, rules: list[str]):
    process = Process()
    process.goes_on(10, cpu=cpu, memory=memory)
    assert {found.rule for found in process.goes_on(310, cpu=cpu, memory=memory)} == set(rules)


def test_what_lasts_for_less_is_not_told():
    process = Process()
    assert process.goes_on(200, cpu=1, memory=1) == ()
    assert process.goes_on(600, cpu=0.1, memory=0.1) == ()


def test_what_goes_on_is_told_once_in_five_minutes():
    process = Process()
    assert 3 <= len(process.goes_on(1200, cpu=1, memory=0)) <= 4


def test_this_process_uses_something():
    before = use_now()
    assert before.memory_bytes > 1_000_000
    assert use_now().at_s >= before.at_s
