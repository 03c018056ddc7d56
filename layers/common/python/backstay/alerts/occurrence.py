"""What happened somewhere and may concern a person: the one form in which alarms and our own events arrive."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

RULE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
"""Such as `cost.budget_warning`; the first word is the category."""


class Severity(StrEnum):
    """How much it matters, in rising order."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    EMERGENCY = "emergency"


class Kind(StrEnum):
    """Whether something lasts."""

    BEGINS = "begins"
    """Its end will be told too."""
    HAPPENED = "happened"
    """Nobody will tell of an end; it is over once it has not happened again for a while."""
    ENDS = "ends"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened, began or ended."""

    rule: str
    """Which rule speaks, such as `cost.budget_warning`."""
    source: str
    """What it is about: a task, a provider, a scope and window, a run's id."""
    kind: Kind
    at: datetime
    text: str = ""
    """One sentence for a person, with what to do."""
    severity: Severity | None = None
    """None: as its rule says."""
    details: Mapping[str, str] = field(default_factory=dict)
    dedup: str = ""
    """What is alike is one alert; by default rule and source."""
    tenant: str | None = None
    id: str = ""
    """The same where the same is told twice; by default its time."""
    once_in: str | None = None
    """There is at most one alert of the kind in this period, such as `2026-11-25`, even once it is resolved."""

    @property
    def condition(self) -> str:
        """What at most one unresolved alert stands for at a time."""
        return self.dedup or f"{self.rule}|{self.source}"


def category_of(rule: str) -> str:
    """The first word of a rule's name, such as `cost`."""
    return rule.partition(".")[0]
