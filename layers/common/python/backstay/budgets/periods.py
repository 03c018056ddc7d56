"""The windows of a budget and when they turn: at midnight UTC, of every day, of a month's first, of a year's first."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

Periods = Mapping["Window", str]
"""The name of the day, month and year that a moment is in; names of one window sort in the order of time."""


class Window(StrEnum):
    """For how long a limit is."""

    DAILY = "daily"
    MONTHLY = "monthly"
    YEARLY = "yearly"

    def turns_after(self, now: datetime) -> datetime:
        """When the window that `now` is in ends and the next begins."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        match self:
            case Window.DAILY:
                return midnight + timedelta(days=1)
            case Window.MONTHLY:
                return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
            case Window.YEARLY:
                return midnight.replace(year=midnight.year + 1, month=1, day=1)


def periods_at(now: datetime) -> Periods:
    """Such as 2026-11-25, 2026-11 and 2026."""
    day = now.astimezone(UTC).date().isoformat()
    return {Window.DAILY: day, Window.MONTHLY: day[:7], Window.YEARLY: day[:4]}
