"""Answers to questions: from what a user sends to a value, or none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from dialogs.scenarios.conversation import Value
from dialogs.scenarios.dates import day_of_limit, read_date, read_time
from dialogs.scenarios.events import Event, EventKind
from dialogs.scenarios.expressions import MAX_NUMBER
from dialogs.scenarios.normalizing import normalize
from dialogs.scenarios.scenario import FILE_ASKS, AskType, Option, Question

Limits = Mapping[str, Any]

_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_EMAIL = re.compile(r"[^\s@,;<>()\"]{1,64}@(?:[^\W_][\w-]{0,62}\.){1,8}[^\W\d_]{2,63}")
_PHONE = re.compile(r"\+?[\d\s().\-–]{7,30}")
_MAX_EMAIL = 254  # RFC 5321, section 4.5.3.1.3, less its brackets


def read_answer(question: Question, event: Event, now: datetime, language: str) -> Value:
    """Return the value of an answer; None if it is not valid.

    Args:
        now: in the time zone of the scenario.
        language: en or ru, for what is written differently in both.
    """
    kind = question.type
    if kinds := FILE_ASKS.get(kind):
        return event.file_id or None if event.kind in kinds else None
    if kind is AskType.LOCATION:
        place = event.place
        return {"latitude": place.latitude, "longitude": place.longitude} if place else None
    if kind is AskType.PHONE and event.kind is EventKind.CONTACT:
        digits = re.sub(r"\D", "", event.phone)
        return f"+{digits}" if digits else None
    if event.kind is not EventKind.TEXT:
        return None
    return _written(question, event.text.strip(), now, language)


def _written(question: Question, text: str, now: datetime, language: str) -> Value:
    limits = question.limits
    match question.type:
        case AskType.NUMBER:
            return _number(text, limits, language)
        case AskType.EMAIL:
            is_address = len(text) <= _MAX_EMAIL and _EMAIL.fullmatch(text)
            return text if is_address else None
        case AskType.PHONE:
            return _phone(text)
        case AskType.DATE:
            return _date(text, limits, now.date())
        case AskType.TIME:
            return _time(text, limits)
        case AskType.CHOICE:
            chosen = find_option(question, text)
            return chosen.value if chosen else None
        case AskType.CHOICES:
            return _several(question, text)
    least, most = limits.get("min_length", 1), limits.get("max_length", len(text))
    return text if text and least <= len(text) <= most else None


def find_option(question: Question, text: str) -> Option | None:
    """Return the option that a text chooses."""
    key = normalize(text)
    return next((one for one in question.options if key in one.keys), None)


def is_enough(question: Question, number: int) -> bool:
    """Tell whether a number of options may be chosen."""
    limits = question.limits
    least, most = limits.get("at_least", 1), limits.get("at_most", len(question.options))
    return bool(least <= number <= most)


def _several(question: Question, text: str) -> Value:
    """Return the options that a text names, between commas."""
    found = [find_option(question, one) for one in text.split(",")[:100]]
    values = [str(one.value) for one in question.options if one in found]
    return values if None not in found and is_enough(question, len(values)) else None


def _number(text: str, limits: Limits, language: str) -> int | float | None:
    text = re.sub(r"[\s\u2009\u202f']", "", text).replace("−", "-")
    if language == "en" and _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if "." not in text:
        text = text.replace(",", ".", 1)
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text) if "." in text else int(text)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if limits.get("whole") and not isinstance(value, int):
        return None
    least, most = limits.get("min", -MAX_NUMBER), limits.get("max", MAX_NUMBER)
    return value if least <= value <= most else None


def _phone(text: str) -> str | None:
    if not _PHONE.fullmatch(text):
        return None
    digits = re.sub(r"\D", "", text)
    is_number = 7 <= len(digits) <= 15  # E.164 allows 15
    return ("+" if text.startswith("+") else "") + digits if is_number else None


def _date(text: str, limits: Limits, today: date) -> str | None:
    day = read_date(text, today)
    if day is None:
        return None
    first = day_of_limit(limits["from"], today) if "from" in limits else day
    last = day_of_limit(limits["to"], today) if "to" in limits else day
    return day.isoformat() if first <= day <= last else None


def _time(text: str, limits: Limits) -> str | None:
    time = read_time(text)
    if time is None:
        return None
    return time if limits.get("from", time) <= time <= limits.get("to", time) else None
