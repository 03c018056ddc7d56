"""Silences and maintenance windows: of what they cover nobody is told, but it stays on record. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from backstay.alerts.occurrence import category_of

SILENCE_FOR = timedelta(hours=1)
"""How long a silence is, unless somebody says otherwise (spec: alerts)."""


class Covers(StrEnum):
    """By what a silence is told whether it covers an alert."""

    RULE = "rule"
    CATEGORY = "category"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Silence:
    """Made by somebody who knows already."""

    id: str
    covers: Covers
    value: str
    """The rule, the category or the source."""
    begins_at: datetime
    ends_at: datetime
    by: str
    reason: str = ""

    def mutes(self, rule: str, source: str) -> bool:
        """Whether it covers alerts of this rule about this source."""
        of_alert = {Covers.RULE: rule, Covers.CATEGORY: category_of(rule), Covers.SOURCE: source}
        return of_alert[self.covers] == self.value


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """Made beforehand, for work that alerts are expected from."""

    id: str
    categories: tuple[str, ...]
    """Empty: all."""
    begins_at: datetime
    ends_at: datetime
    by: str
    reason: str = ""

    def mutes(self, rule: str, source: str) -> bool:  # noqa: ARG002 - as silences are asked
        """Whether it covers alerts of this rule."""
        return not self.categories or category_of(rule) in self.categories


Mute: TypeAlias = Silence | MaintenanceWindow


def is_in_force(mute: Mute, at: datetime) -> bool:
    """From its beginning until just before its end."""
    return mute.begins_at <= at < mute.ends_at


def mute_of(rule: str, source: str, mutes: Iterable[Mute], *moments: datetime) -> str | None:
    """The id of the first that covers such an alert at one of these moments, or None."""
    for mute in mutes:
        if mute.mutes(rule, source) and any(is_in_force(mute, at) for at in moments):
            return mute.id
    return None
