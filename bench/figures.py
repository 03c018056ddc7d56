"""A measured figure, the bound that it must keep, and what it is made of."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a figure stands to its bound."""

    MET = "met"
    MISSED = "missed"
    REPORTED = "reported"
    """It has no bound."""


@dataclass(frozen=True, slots=True)
class Part:
    """One line of what a figure is made of, in the figure's unit unless its name says another."""

    name: str
    value: float
    how: str = ""
    """How it comes about."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number under the name that it has in results.json."""

    name: str
    value: float
    unit: str
    meaning: str
    at_most: float | None = None
    at_least: float | None = None
    aim: float | None = None
    """Better than the bound asks for."""
    parts: tuple[Part, ...] = ()
    note: str = ""
    """What limits the figure, or what it leaves out."""

    @property
    def bound(self) -> str:
        """The bound in words, empty where there is none."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}" if self.at_least is not None else ""

    @property
    def verdict(self) -> Verdict:
        """Whether the bound is kept."""
        if self.at_most is None and self.at_least is None:
            return Verdict.REPORTED
        too_much = self.at_most is not None and self.value > self.at_most
        too_little = self.at_least is not None and self.value < self.at_least
        return Verdict.MISSED if too_much or too_little else Verdict.MET


def itemised(name: str, unit: str, meaning: str, parts: tuple[Part, ...], **more: float | str) -> Figure:
    """A figure that is the sum of its parts."""
    return Figure(name, sum(part.value for part in parts), unit, meaning, parts=parts, **more)  # type: ignore[arg-type]
