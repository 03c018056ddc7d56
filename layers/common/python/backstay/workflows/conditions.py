"""Conditions of steps: what a run decides by, from the facts that its steps have answered and that it began with."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

Scalar = str | int | float | bool


class Operator(StrEnum):
    """How a fact is compared."""

    EQUALS = "equals"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Condition:
    """Something that holds or doesn't; join with `&`, `|` and `~`."""

    def __and__(self, other: "Condition") -> "Condition":
        return Both(self, other)

    def __or__(self, other: "Condition") -> "Condition":
        return Either(self, other)

    def __invert__(self) -> "Condition":
        return Not(self)

    def comparisons(self) -> "Iterator[Comparison]":
        """Every comparison that it is made of."""
        yield from ()

    def paths(self) -> tuple[str, ...]:
        """Every fact that it looks at."""
        return tuple(comparison.path for comparison in self.comparisons())


@dataclass(frozen=True)
class Comparison(Condition):
    """A fact compared with a value. What isn't there compares with nothing, and the condition doesn't hold."""

    path: str
    """`input`, or a step's name, and the fields that lead on from there; such as `parse.workflow.can_proceed`."""
    operator: Operator
    value: Scalar

    @property
    def source(self) -> str:
        """`input`, or the step."""
        return self.path.partition(".")[0]

    @property
    def field(self) -> str:
        """The path below the source."""
        return self.path.partition(".")[2]

    def comparisons(self) -> "Iterator[Comparison]":
        """Itself."""
        yield self


@dataclass(frozen=True)
class PreApproved(Condition):
    """Holds for runs that were started as approved by somebody who may operate."""


@dataclass(frozen=True)
class _Pair(Condition):
    """Two conditions, and what they compare."""

    left: Condition
    right: Condition

    def comparisons(self) -> Iterator[Comparison]:
        """Those of both."""
        yield from self.left.comparisons()
        yield from self.right.comparisons()


@dataclass(frozen=True)
class Both(_Pair):
    """Holds where both do."""


@dataclass(frozen=True)
class Either(_Pair):
    """Holds where one does."""


@dataclass(frozen=True)
class Not(Condition):
    """Holds where the other doesn't."""

    condition: Condition

    def comparisons(self) -> Iterator[Comparison]:
        """Those of the other."""
        return self.condition.comparisons()


class Fact(Comparison):
    """A field of what a step answered, or of what the run began with: a text, a number, or a truth value.

    As it stands, the condition that it is true.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, Operator.EQUALS, value=True)

    def equals(self, value: Scalar) -> Condition:
        """It is this."""
        return Comparison(self.path, Operator.EQUALS, value)

    def one_of(self, first: Scalar, *others: Scalar) -> Condition:
        """It is one of these."""
        condition = self.equals(first)
        for other in others:
            condition |= self.equals(other)
        return condition

    def at_least(self, value: float) -> Condition:
        """It is this number, or a greater one."""
        return Comparison(self.path, Operator.AT_LEAST, value)

    def at_most(self, value: float) -> Condition:
        """It is this number, or a smaller one."""
        return Comparison(self.path, Operator.AT_MOST, value)


fact = Fact
PRE_APPROVED = PreApproved()
