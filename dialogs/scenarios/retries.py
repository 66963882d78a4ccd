"""The built-in sentences that ask for another answer, with the limits that it must keep to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import ceil, floor
from typing import Any

from dialogs.scenarios.dates import day_of_limit
from dialogs.scenarios.scenario import AskType, Question
from dialogs.scenarios.showing import show

Limits = Mapping[str, Any]
Range = tuple[str, str]  # the least and the most, as they are shown; empty for none

# By language, for a range with both ends, with a first one, and with a last one.
_PHRASES: Mapping[str, Mapping[str, tuple[str, str, str]]] = {
    "date": {
        "en": ("a date between {0} and {1}", "a date from {0} on", "a date up to {1}"),
        "ru": ("дату с {0} по {1}", "дату не раньше {0}", "дату не позже {1}"),
    },
    "time": {
        "en": ("a time between {0} and {1}", "a time from {0} on", "a time up to {1}"),
        "ru": ("время с {0} до {1}", "время не раньше {0}", "время не позже {1}"),
    },
    "number": {
        "en": ("a number between {0} and {1}", "a number from {0} on", "a number up to {1}"),
        "ru": ("число от {0} до {1}", "число не меньше {0}", "число не больше {1}"),
    },
    "whole": {
        "en": (
            "a whole number between {0} and {1}",
            "a whole number from {0} on",
            "a whole number up to {1}",
        ),
        "ru": (
            "целое число от {0} до {1}",
            "целое число не меньше {0}",
            "целое число не больше {1}",
        ),
    },
    "text": {
        "en": ("a text of {0} to {1}", "a text of at least {0}", "a text of at most {1}"),
        "ru": ("текст длиной от {0} до {1}", "текст не короче {0}", "текст не длиннее {1}"),
    },
    "choices": {
        "en": ("{0} to {1}", "at least {0}", "at most {1}"),
        "ru": ("от {0} до {1}", "не меньше {0}", "не больше {1}"),
    },
}
_DAYS = range(date.min.toordinal(), date.max.toordinal() + 1)
_MINUTES = range(24 * 60)
_WHOLE = {"en": "a whole number", "ru": "целое число"}
# what is counted, after 1 and after other numbers; in Russian these phrases want the genitive
_COUNTED = {
    "text": {"en": ("character", "characters"), "ru": ("символа", "символов")},
    "choices": {"en": ("answer", "answers"), "ru": ("ответа", "ответов")},
}
_EXACTLY = {
    "text": {"en": "a text of {0}", "ru": "текст из {0}"},
    "choices": {"en": "exactly {0}"},
}
_SENTENCES = {"en": "Please write {}.", "ru": "Напишите, пожалуйста, {}."}
_CHOOSE = {"en": "Please choose {}.", "ru": "Выберите, пожалуйста, {}."}
_SUCH_AS = {"en": "{}, such as {}", "ru": "{}, например {}"}


def limited_sentence(question: Question, today: date, language: str) -> str:
    """Return the sentence that asks for an answer within the limits of a question.

    Args:
        today: in the time zone of the scenario.
        language: en or ru.

    Returns:
        Empty if the question has no limits to name.
    """
    limits = question.limits
    match question.type:
        case AskType.DATE:
            return _with_example(_date(limits, today, language), language)
        case AskType.TIME:
            return _with_example(_time(limits, language), language)
        case AskType.NUMBER:
            return _with_example(_number(limits, language), language)
        case AskType.TEXT:
            least, most = limits.get("min_length", 0), limits.get("max_length", 0)
            return _filled(_SENTENCES, _counted("text", least, most, language), language)
        case AskType.CHOICES if "at_least" in limits or "at_most" in limits:
            least, most = limits.get("at_least", 1), limits.get("at_most", 0)
            return _filled(_CHOOSE, _counted("choices", least, most, language), language)
    return ""


def _filled(sentences: Mapping[str, str], phrase: str, language: str) -> str:
    return phrase and sentences[language].format(phrase)


def _with_example(phrase: tuple[str, str], language: str) -> str:
    what, example = phrase
    if what and example:
        what = _SUCH_AS[language].format(what, example)
    return _filled(_SENTENCES, what, language)


def _phrase(kind: str, ends: Range, language: str) -> str:
    """Return what is wanted; empty without limits."""
    both, from_first, to_last = _PHRASES[kind][language]
    match ends:
        case ("", ""):
            return ""
        case (_, ""):
            return from_first.format(*ends)
        case ("", _):
            return to_last.format(*ends)
    return both.format(*ends)


def _date(limits: Limits, today: date, language: str) -> tuple[str, str]:
    first, last = (
        day_of_limit(limits[name], today).toordinal() if name in limits else None
        for name in ("from", "to")
    )

    def shown(day: int | None) -> str:
        return "" if day is None else show(date.fromordinal(day).isoformat(), "date", language)

    example = _near(first, last, 1, _DAYS)
    return _phrase("date", (shown(first), shown(last)), language), shown(example)


def _time(limits: Limits, language: str) -> tuple[str, str]:
    ends = limits.get("from", ""), limits.get("to", "")
    first, last = (int(one[:2]) * 60 + int(one[3:]) if one else None for one in ends)
    found = _near(first, last, 30, _MINUTES)
    example = "" if found is None else f"{found // 60:02}:{found % 60:02}"
    return _phrase("time", ends, language), example


def _near(first: int | None, last: int | None, step: int, possible: range) -> int | None:
    """Return a value a step within the first end of a range, or that end; None if it is empty."""
    end = last if first is None else first
    if end is None or (first is not None and last is not None and first > last):
        return None
    found = end - step if first is None else end + step
    return found if found in possible and (last is None or found <= last) else end


def _number(limits: Limits, language: str) -> tuple[str, str]:
    is_whole = bool(limits.get("whole"))
    least, most = limits.get("min"), limits.get("max")
    ends = show(least, "number", language), show(most, "number", language)
    phrase = _phrase("whole" if is_whole else "number", ends, language)
    if not phrase and is_whole:
        phrase = _WHOLE[language]
    low, high = -float("inf") if least is None else least, float("inf") if most is None else most
    candidates: list[Any] = [7]
    if least is not None:
        candidates += [ceil(least), *([] if is_whole else [least])]
    elif most is not None:
        candidates.append(floor(most))
    example = next((one for one in candidates if low <= one <= high), None)
    return phrase, show(example, "number", language)


def _counted(kind: str, least: int, most: int, language: str) -> str:
    """Return how many are wanted; empty if every number is right.

    Args:
        least, most: 0 for no limit.
    """
    one, many = _COUNTED[kind][language]

    def counted(number: int) -> str:
        is_one = number % 10 == 1 and number % 100 != 11 if language == "ru" else number == 1
        return f"{number} {one if is_one else many}"

    if least == most and least:
        if kind == "choices" and language == "ru":  # the only one that is no genitive
            return f"ровно {least} {_answers(least)}"
        return _EXACTLY[kind][language].format(counted(least))
    if least and most:
        return _phrase(kind, (str(least), counted(most)), language)
    return _phrase(kind, (counted(least) if least else "", counted(most) if most else ""), language)


def _answers(number: int) -> str:
    """Return the Russian word for answers, as it is said of a number of them."""
    if number % 100 in range(11, 15):
        return "ответов"
    return "ответ" if number % 10 == 1 else "ответа" if number % 10 in {2, 3, 4} else "ответов"
