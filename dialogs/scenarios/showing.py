"""Values as texts, for people."""

from __future__ import annotations

from datetime import date, datetime

from dialogs.scenarios.conversation import Value

_YES_NO = {"en": ("yes", "no"), "ru": ("да", "нет")}


def show(value: Value, kind: str, language: str) -> str:
    """Return a value as a text.

    Args:
        kind: its type; empty if it has none.
        language: en or ru.
    """
    match value:
        case None:
            return ""
        case bool():
            return _YES_NO[language][not value]
        case str():
            return _russian_date(value) if kind == "date" and language == "ru" else value
        case list():
            return ", ".join(value)
        case dict():
            return f"{value.get('latitude', 0):g}, {value.get('longitude', 0):g}"
        case float():
            text = f"{value:.9f}".rstrip("0").rstrip(".")
            return text.replace(".", ",") if language == "ru" else text
    return str(value)


def _russian_date(value: str) -> str:
    try:
        return date.fromisoformat(value).strftime("%d.%m.%Y")
    except ValueError:
        return value


def show_now(name: str, now: datetime) -> str:
    """Return a built-in value of the time.

    Args:
        name: such as now.date; other names have no value.
        now: in the time zone of the scenario.
    """
    match name:
        case "now":
            return now.strftime("%Y-%m-%d %H:%M")
        case "now.date":
            return now.date().isoformat()
        case "now.time":
            return now.strftime("%H:%M")
        case "now.hour":
            return str(now.hour)
        case "now.weekday":
            return str(now.isoweekday())
    return ""
