"""What counts as an answer to a question, and what is saved of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dialogs.scenarios import Event, EventKind, Place, read_text
from dialogs.scenarios.answers import read_answer
from dialogs.scenarios.reading import read_question
from dialogs.scenarios.showing import show

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)
OPTIONS = ["Red wine", {"text": "Tea", "value": "t"}, {"text": "5", "value": 5}]
PHOTO = Event(EventKind.PHOTO, "a caption", file_id="f")


def answer(event: Any, *, language: str = "en", **question: Any) -> Any:
    """Return what an answer is read as."""
    event = read_text(event) if isinstance(event, str) else event
    made = read_question({**question, "go": "x"}, (), frozenset())
    return read_answer(made, event, NOW, language)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7), (" -7 ", -7), ("+3", 3), ("1 000", 1000), ("1 000,5", 1000.5), ("2.50", 2.5),
        ("1,000", 1000), ("1,5", 1.5), ("1'000", 1000), ("−3", -3), ("3.0", 3), ("seven", None),
        ("", None), ("7 apples", None), ("1e5", None), ("--1", None), ("٣", 3), ("9" * 19, None),
    ],
)  # fmt: skip
def test_numbers(text: str, value: Any) -> None:
    found = answer(text, type="number")
    assert found == value
    assert type(found) is type(value)


def test_a_comma_is_a_decimal_point_in_russian() -> None:
    assert answer("1,000", type="number", language="ru") == 1


@pytest.mark.parametrize(
    ("text", "limits", "fits"),
    [
        ("5", {"min": 5, "max": 5}, True), ("4", {"min": 5}, False), ("6", {"max": 5}, False),
        ("1.5", {"whole": True}, False), ("2.0", {"whole": True}, True),
    ],
)  # fmt: skip
def test_numbers_within_limits(text: str, limits: dict[str, Any], fits: bool) -> None:
    assert (answer(text, type="number", **limits) is not None) == fits


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2030-12-31", "2030-12-31"), ("31.12.2030", "2030-12-31"), ("31/12/30", "2030-12-31"),
        ("31.12", "2030-12-31"), ("6.1", "2031-01-06"), ("7.1.", "2030-01-07"),
        ("tomorrow", "2030-01-08"), ("Завтра!", "2030-01-08"), ("послезавтра", "2030-01-09"),
        ("today", "2030-01-07"), ("31 December", "2030-12-31"), ("9 мая 2031", "2031-05-09"),
        ("March 3, 2031", "2031-03-03"), ("29.2", "2032-02-29"), ("30.2.2030", None),
        ("32.1", None), ("31 foo", None),
        ("5 junk", None), ("1 мартобря", None), ("12 майка", None), ("4 Sept.", "2030-09-04"),
        ("1 мар", "2030-03-01"), ("Январь 9", "2030-01-09"), ("soon", None), ("0000-01-01", None),
    ],
)  # fmt: skip
def test_dates(text: str, value: str | None) -> None:
    assert answer(text, type="date") == value


def test_dates_within_limits() -> None:
    limits = {"from": "today+1", "to": "2030-01-20"}
    texts = ["today", "tomorrow", "20.1", "21.1"]
    assert [bool(answer(text, type="date", **limits)) for text in texts] == [
        False, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("14:30", "14:30"), ("9", "09:00"), ("9.05", "09:05"), ("2 pm", "14:00"),
        ("12am", "00:00"), ("12:30 PM", "12:30"), ("24:00", None), ("9:5", None), ("13 pm", None),
        ("noon", None),
    ],
)  # fmt: skip
def test_times(text: str, value: str | None) -> None:
    assert answer(text, type="time") == value


def test_times_within_limits() -> None:
    limits = {"from": "09:00", "to": "18:00"}
    assert [answer(text, type="time", **limits) for text in ("8:59", "9", "18:01")] == [
        None, "09:00", None,
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["a@b.co", "Ann.B+c@mail.example.com", "я@почта.рф"])
def test_emails(text: str) -> None:
    assert answer(f" {text} ", type="email") == text


@pytest.mark.parametrize("text", ["a", "a@b", "@b.co", "a b@c.de", "a@b..co", "x" * 250 + "@b.co"])
def test_no_emails(text: str) -> None:
    assert answer(text, type="email") is None


def test_phones() -> None:
    assert answer("+1 (555) 123-4567", type="phone") == "+15551234567"
    assert answer("8 916 123 45 67", type="phone") == "89161234567"
    assert answer(Event(EventKind.CONTACT, phone="15551234567"), type="phone") == "+15551234567"
    assert answer("12345", type="phone") is None
    assert answer("call me", type="phone") is None


def test_choices() -> None:
    assert answer("red  WINE.", type="choice", options=OPTIONS) == "Red wine"
    assert answer("tea", type="choice", options=OPTIONS) == "t"
    assert answer("5", type="choice", options=OPTIONS) == 5
    assert answer("beer", type="choice", options=OPTIONS) is None
    several = {"type": "choices", "options": OPTIONS, "at_most": 2}
    assert answer("tea, red wine", **several) == ["Red wine", "t"]
    assert answer("tea, beer", **several) is None
    assert answer("tea, red wine, 5", **several) is None


def test_texts() -> None:
    assert answer(" x ", type="text") == "x"
    assert answer("  ", type="text") is None
    assert answer("x" * 5, type="text", min_length=6) is None
    assert answer("x" * 5, type="text", max_length=4) is None
    assert answer(PHOTO, type="text") is None


def test_files_and_places() -> None:
    assert answer(PHOTO, type="photo") == "f"
    assert answer(PHOTO, type="file") == "f"
    assert answer(PHOTO, type="video") is None
    assert answer(Event(EventKind.VOICE, file_id="v"), type="audio") == "v"
    place = Event(EventKind.LOCATION, place=Place(1.5, 2))
    assert answer(place, type="location") == {"latitude": 1.5, "longitude": 2}
    assert answer("here", type="location") is None


@pytest.mark.parametrize(
    ("value", "kind", "english", "russian"),
    [
        (None, "", "", ""), (True, "boolean", "yes", "да"), (False, "", "no", "нет"),
        (2.5, "number", "2.5", "2,5"), (7, "number", "7", "7"),
        (1e-9, "", "0.000000001", "0,000000001"),
        (["a", "b"], "list", "a, b", "a, b"), ("2030-12-31", "date", "2030-12-31", "31.12.2030"),
        ("soon", "date", "soon", "soon"),
        ({"latitude": 1.5, "longitude": 2}, "location", "1.5, 2", "1.5, 2"),
    ],
)  # fmt: skip
def test_values_as_texts(value: Any, kind: str, english: str, russian: str) -> None:
    assert show(value, kind, "en") == english
    assert show(value, kind, "ru") == russian
