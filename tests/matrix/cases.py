"""The cases: for every step of the saga `matrix` each thing that may go wrong, and how its run must end."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

STEPS = ("one", "two", "three", "check")
"""In order; the last one has no undo."""

UNDOABLE = STEPS[:-1]


class Harm(StrEnum):
    """What goes wrong with a step."""

    FAILS_FOR_GOOD = "fails_for_good"
    DIES_BEFORE = "dies_before"
    DIES_AFTER = "dies_after"
    DIES_UNTOLD = "dies_untold"
    CALLBACK_LOST = "callback_lost"
    TWICE = "twice"
    LATE = "late"
    UNDO_FAILS_ONCE = "undo_fails_once"
    UNDO_FAILS_FOR_GOOD = "undo_fails_for_good"
    ABORTED_WHILE_ACTIVE = "aborted_while_active"


_OF_UNDOS = frozenset({Harm.UNDO_FAILS_ONCE, Harm.UNDO_FAILS_FOR_GOOD})
_SURVIVED = frozenset({Harm.DIES_BEFORE, Harm.DIES_AFTER, Harm.DIES_UNTOLD, Harm.CALLBACK_LOST, Harm.TWICE})


@dataclass(frozen=True, slots=True)
class Expected:
    """How a run must end."""

    end: str
    done: tuple[str, ...]
    """Steps whose effect happened, in order."""
    undone: tuple[str, ...]
    """Steps whose undo had its effect, in order."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that goes wrong with one step."""

    step: str
    harm: Harm

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.step}-{self.harm}"

    @property
    def faults(self) -> dict[str, str]:
        """What the run's steps are told to do (`tests/tasks/act`)."""
        match self.harm:
            case Harm.UNDO_FAILS_ONCE | Harm.UNDO_FAILS_FOR_GOOD:
                return {f"{self.step}#undo": self.harm.removeprefix("undo_"), "check#do": "fails_for_good"}
            case Harm.ABORTED_WHILE_ACTIVE:
                return {f"{self.step}#do": "held"}
            case _:
                return {f"{self.step}#do": str(self.harm)}

    @property
    def expected(self) -> Expected:
        """How the run must end."""
        before = STEPS[: STEPS.index(self.step)]
        if self.harm in _SURVIVED:
            return Expected("completed", STEPS, ())
        if self.harm in _OF_UNDOS:
            fails = self.harm is Harm.UNDO_FAILS_FOR_GOOD
            undone = tuple(step for step in reversed(UNDOABLE) if not (fails and step == self.step))
            return Expected("compensation_failed" if fails else "compensated", UNDOABLE, undone)
        if self.harm is Harm.FAILS_FOR_GOOD:
            return Expected("compensated" if before else "failed", before, before[::-1])
        uncertain = tuple(step for step in (*before, self.step) if step in UNDOABLE)
        end = "aborted" if self.harm is Harm.ABORTED_WHILE_ACTIVE else "compensated"
        return Expected(end, (*before, self.step), uncertain[::-1])


def every_case() -> Iterator[Case]:
    """All of them."""
    for step in STEPS:
        for harm in Harm:
            if step in UNDOABLE or harm not in _OF_UNDOS:
                yield Case(step, harm)


SAMPLE = (
    Case("two", Harm.FAILS_FOR_GOOD),
    Case("one", Harm.DIES_UNTOLD),
    Case("two", Harm.CALLBACK_LOST),
    Case("three", Harm.TWICE),
    Case("two", Harm.LATE),
    Case("one", Harm.UNDO_FAILS_FOR_GOOD),
    Case("three", Harm.ABORTED_WHILE_ACTIVE),
)
"""Some of every kind."""
