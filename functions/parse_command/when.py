"""Times that a command names. Pure; all of it is UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from .models import Timing

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = tuple(
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
_ANY_MONTH = r"(?:" + "|".join(f"{month[:3]}(?:{month[3:]})?" for month in _MONTHS) + r")\.?"
_SEND_AT_HOUR = 9

_DATE = re.compile(
    r"\b(?:(?P<iso>\d{4}-\d{2}-\d{2})(?:[T ](?P<iso_time>\d{2}:\d{2}))?"
    r"|(?P<day_first>\d{1,2})(?:st|nd|rd|th)? (?:of )?(?P<month_after>" + _ANY_MONTH + r")(?: (?P<year_after>\d{4}))?"
    r"|(?P<month_first>" + _ANY_MONTH + r") (?P<day_after>\d{1,2})(?:st|nd|rd|th)?\b(?:,? (?P<year_last>\d{4}))?"
    r"|(?P<near>today|tonight|tomorrow|day after tomorrow)"
    r"|in (?P<count>\d{1,3}) (?P<unit>hour|day|week)s?"
    r"|(?:next |this |on )?(?<!black )(?P<weekday>" + "|".join(_WEEKDAYS) + r"))\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\b(?:at )?(?:(\d{1,2})(?::(\d{2}))? ?(am|pm)|(?<=at )(\d{1,2}):(\d{2}))\b", re.IGNORECASE)
_EVERY = re.compile(
    r"\b(daily|weekly|monthly|quarterly|yearly|every (?:other )?(?:day|week|month|quarter|year|morning|"
    + "|".join(_WEEKDAYS)
    + r"))\b",
    re.IGNORECASE,
)
_AT_ONCE = re.compile(r"\b(?:now|immediately|right away|at once|asap)\b", re.IGNORECASE)


class _Clock(NamedTuple):
    hour: int
    minute: int


def dates_in(text: str, now: datetime) -> tuple[str, ...]:
    """The phrases that name a day, each once, as they stand there."""
    return tuple(dict.fromkeys(found[0] for found in _DATE.finditer(text) if _day(found, now) is not None))


def timing_of(text: str, now: datetime) -> Timing | None:
    """When to send; None where the text says nothing of it.

    Args:
        text: a command.
        now: what "tomorrow" is counted from.
    """
    if every := _EVERY.search(text):
        return Timing(type="recurring", schedule_time=_schedule_time(text, now), frequency=every[1].lower())
    if (at := _schedule_time(text, now)) is not None:
        return Timing(type="scheduled", schedule_time=at)
    return Timing(type="immediate") if _AT_ONCE.search(text) else None


def _schedule_time(text: str, now: datetime) -> str | None:
    """The first day that isn't when an offer ends, at the hour that is named, else at nine."""
    for found in _DATE.finditer(text):
        if re.search(
            r"\b(?:until|till|through|to|expir\w*|ends?|ending|by)(?: on)? $",
            text[: found.start()][-20:],
            re.IGNORECASE,
        ):
            continue
        day = _day(found, now)
        if day is None:
            continue
        if found["unit"] and found["unit"].lower() == "hour":
            return _iso(day)
        clock = _clock(found["iso_time"], text[found.start() : found.end() + 20])
        return _iso(day.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0))
    return None


def _day(found: "re.Match[str]", now: datetime) -> datetime | None:
    """The day that a match names, or None for one that no calendar has."""
    try:
        if found["iso"]:
            return datetime.fromisoformat(found["iso"]).replace(tzinfo=UTC)
        if found["near"]:
            return now + timedelta(days={"tomorrow": 1, "day after tomorrow": 2}.get(found["near"].lower(), 0))
        if found["count"]:
            return now + timedelta(**{f"{found['unit'].lower()}s": int(found["count"])})
        if found["weekday"]:
            ahead = (_WEEKDAYS.index(found["weekday"].lower()) - now.weekday()) % 7 or 7
            return now + timedelta(days=ahead)
        return _calendar_day(found, now)
    except (ValueError, OverflowError):
        return None


def _calendar_day(found: "re.Match[str]", now: datetime) -> datetime:
    """A day and a month: this year's, or the next one's where that is past."""
    month_name = (found["month_after"] or found["month_first"]).lower()
    month = next(number for number, name in enumerate(_MONTHS, start=1) if name.startswith(month_name[:3]))
    day, year = int(found["day_first"] or found["day_after"]), found["year_after"] or found["year_last"]
    named = datetime(int(year) if year else now.year, month, day, tzinfo=UTC)
    return named.replace(year=now.year + 1) if not year and named.date() < now.date() else named


def _clock(iso_time: str | None, text: str) -> _Clock:
    if iso_time:
        hour, minute = map(int, iso_time.split(":"))
        return _Clock(hour, minute) if hour < 24 and minute < 60 else _Clock(_SEND_AT_HOUR, 0)
    found = _CLOCK.search(text)
    if found is None:
        return _Clock(_SEND_AT_HOUR, 0)
    hour, minute = int(found[1] or found[4]), int(found[2] or found[5] or 0)
    if found[3]:
        hour = hour % 12 + (12 if found[3].lower() == "pm" else 0)
    return _Clock(hour, minute) if hour < 24 and minute < 60 else _Clock(_SEND_AT_HOUR, 0)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
