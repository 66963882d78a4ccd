"""The built-in sentences that ask for another answer."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.scenarios import last, made


@pytest.mark.parametrize(
    ("question", "english", "russian"),
    [
        (
            {"type": "date", "from": "2026-01-01", "to": "2026-01-31"},
            "Please write a date between 2026-01-01 and 2026-01-31, such as 2026-01-02.",
            "Напишите, пожалуйста, дату с 01.01.2026 по 31.01.2026, например 02.01.2026.",
        ),
        (
            {"type": "date", "from": "today", "to": "today+30"},
            "Please write a date between 2030-01-07 and 2030-02-06, such as 2030-01-08.",
            "Напишите, пожалуйста, дату с 07.01.2030 по 06.02.2030, например 08.01.2030.",
        ),
        (
            {"type": "date", "to": "today"},
            "Please write a date up to 2030-01-07, such as 2030-01-06.",
            "Напишите, пожалуйста, дату не позже 07.01.2030, например 06.01.2030.",
        ),
        (
            {"type": "date", "from": "9999-12-31"},
            "Please write a date from 9999-12-31 on, such as 9999-12-31.",
            "Напишите, пожалуйста, дату не раньше 31.12.9999, например 31.12.9999.",
        ),
        (
            {"type": "date", "from": "today", "to": "2026-01-31"},  # over
            "Please write a date between 2030-01-07 and 2026-01-31.",
            "Напишите, пожалуйста, дату с 07.01.2030 по 31.01.2026.",
        ),
        (
            {"type": "time", "to": "18:00"},
            "Please write a time up to 18:00, such as 17:30.",
            "Напишите, пожалуйста, время не позже 18:00, например 17:30.",
        ),
        (
            {"type": "time", "from": "23:45", "to": "23:59"},
            "Please write a time between 23:45 and 23:59, such as 23:45.",
            "Напишите, пожалуйста, время с 23:45 до 23:59, например 23:45.",
        ),
        (
            {"type": "number", "whole": True},
            "Please write a whole number, such as 7.",
            "Напишите, пожалуйста, целое число, например 7.",
        ),
        (
            {"type": "number", "whole": True, "min": 17.5, "max": 150},
            "Please write a whole number between 17.5 and 150, such as 18.",
            "Напишите, пожалуйста, целое число от 17,5 до 150, например 18.",
        ),
        (
            {"type": "number", "min": 0.25, "max": 0.5},
            "Please write a number between 0.25 and 0.5, such as 0.25.",
            "Напишите, пожалуйста, число от 0,25 до 0,5, например 0,25.",
        ),
        (
            {"type": "number", "max": -3},
            "Please write a number up to -3, such as -3.",
            "Напишите, пожалуйста, число не больше -3, например -3.",
        ),
        (
            {"type": "text", "min_length": 20, "max_length": 21},
            "Please write a text of 20 to 21 characters.",
            "Напишите, пожалуйста, текст длиной от 20 до 21 символа.",
        ),
        (
            {"type": "text", "min_length": 11},
            "Please write a text of at least 11 characters.",
            "Напишите, пожалуйста, текст не короче 11 символов.",
        ),
        (
            {"type": "text", "min_length": 20, "max_length": 20},
            "Please write a text of 20 characters.",
            "Напишите, пожалуйста, текст из 20 символов.",
        ),
        (
            {"type": "choices", "options": ["a", "b", "c"], "at_least": 2},
            "Please choose at least 2 answers.",
            "Выберите, пожалуйста, не меньше 2 ответов.",
        ),
        (
            {"type": "choices", "options": ["a", "b", "c"], "at_most": 2},
            "Please choose 1 to 2 answers.",
            "Выберите, пожалуйста, от 1 до 2 ответов.",
        ),
        (
            {"type": "choices", "options": ["a", "b", "c"], "at_least": 1, "at_most": 1},
            "Please choose exactly 1 answer.",
            "Выберите, пожалуйста, ровно 1 ответ.",
        ),
    ],
)
def test_a_built_in_retry_names_the_limits_and_an_example_that_fits(
    question: dict[str, Any], english: str, russian: str
) -> None:
    for language, sentence in (("en", english), ("ru", russian)):
        states = {
            "first": {"say": "?", "ask": {"save": "x", "go": "shown", **question}},
            "shown": {"say": "[{{x}}]", "end": True},
        }
        scenario = made(states, language=language)
        assert last(scenario, "1.1") == [sentence]
        if example := re.search(r"(?:such as|например) (.*)\.", sentence):
            assert last(scenario, example[1])[0].startswith("["), sentence
