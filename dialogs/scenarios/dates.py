"""Dates and times as people write them."""

from __future__ import annotations

import re
from datetime import date, timedelta

from dialogs.scenarios.normalizing import normalize

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DAY_FIRST = re.compile(r"(\d{1,2})[./](\d{1,2})(?:[./](\d{4}|\d{2}))?")
_MONTH_NAME = re.compile(r"(\d{1,2})\.? ([^\W\d]{3,9})\.?,? ?(\d{4})?")
_NAME_FIRST = re.compile(r"([^\W\d]{3,9})\.? (\d{1,2}),? ?(\d{4})?")
_TIME = re.compile(r"(\d{1,2})(?:[:.\-](\d{2}))? ?(am|pm|a\.m|p\.m)?")
_LIMIT = re.compile(r"today(?:\+(\d{1,4}))?")

_DAYS = {
    "today": 0, "tomorrow": 1, "the day after tomorrow": 2,
    "сегодня": 0, "завтра": 1, "послезавтра": 2,
}  # fmt: skip
_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
    "январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь",
    "ноябрь", "декабрь",
    "января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября",
    "октября", "ноября", "декабря",
)  # fmt: skip
# A name may be cut after its third letter.
_MONTHS = {
    name[:end]: index % 12 + 1
    for index, name in enumerate(_NAMES)
    for end in range(3, len(name) + 1)
}


def read_date(text: str, today: date) -> date | None:
    """Return the date that a text means; None if it is none.

    Args:
        text: such as 2030-12-31, 31.12.2030, 31.12, 31 December, or tomorrow.
        today: without a year, the next such day from this one on is meant.
    """
    text = normalize(text[:60])
    if text in _DAYS:
        return _later(today, _DAYS[text])
    if found := _ISO.fullmatch(text):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _DAY_FIRST.fullmatch(text):
        year = f"20{found[3]}" if found[3] and len(found[3]) == 2 else found[3]
        return _next(year, int(found[2]), int(found[1]), today)
    if found := _MONTH_NAME.fullmatch(text):
        return _next(found[3], _MONTHS.get(found[2], 0), int(found[1]), today)
    if found := _NAME_FIRST.fullmatch(text):
        return _next(found[3], _MONTHS.get(found[1], 0), int(found[2]), today)
    return None


def day_of_limit(text: str, today: date) -> date:
    """Return the day of a limit: a date, today or today+7.

    Raises:
        ValueError: it is none.
    """
    if found := _LIMIT.fullmatch(text):
        return _later(today, int(found[1] or 0))
    return date.fromisoformat(text)


def read_time(text: str) -> str | None:
    """Return the time that a text means, such as 14:30, 9 or 2 pm, as HH:MM; None if it is none."""
    found = _TIME.fullmatch(normalize(text[:20]))
    if not found:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "")[:1]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    return f"{hour:02}:{minute:02}" if hour < 24 and minute < 60 else None


def _later(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max


def _next(year: str | None, month: int, day: int, today: date) -> date | None:
    """Return a day; without a year, the next one, which for 29 February may be years away."""
    if year:
        return _day(int(year), month, day)
    for this in range(today.year, today.year + 9):
        found = _day(this, month, day)
        if found and found >= today:
            return found
    return None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
