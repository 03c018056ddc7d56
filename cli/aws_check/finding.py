"""What a check found out."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a property came out."""

    PROVED = "proved"
    REFUTED = "refuted"
    NOT_SHOWN = "not shown"
    """This run could not tell: the cloud doesn't do it, or there was too little to see."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One property of the design, and how it came out."""

    check: str
    says: str
    """The property, as a sentence."""
    verdict: Verdict
    measured: str = ""


def all_hold(findings: Iterable[Finding]) -> bool:
    """Whether nothing was refuted. What was not shown stays designed, not proved."""
    return all(finding.verdict is not Verdict.REFUTED for finding in findings)


def verdict_of(holds: bool) -> Verdict:
    """Proved or refuted."""
    return Verdict.PROVED if holds else Verdict.REFUTED
