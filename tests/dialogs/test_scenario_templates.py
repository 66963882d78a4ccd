"""The templates that ship: each is valid and played through."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dialogs.scenarios import load, validate
from dialogs.scenarios.coverage import coverage
from dialogs.scenarios.samples import DEFAULT, template, template_names
from dialogs.scenarios.simulation import simulate

BASES = ("appointment", "cat_or_bread", "echo", "faq_menu", "feedback_form", "order", "quiz")
# By template: the events, what the bot says to the last one, and the variables at the end.
PLAYED: dict[str, tuple[list[Any], list[str], dict[str, Any]]] = {
    "echo.en": (
        ["/start", {"sticker": "x"}, "*hello*"],
        ["*hello*"],
        {"text": "*hello*"},
    ),
    "echo.ru": (
        ["привет", {"text": "/start", "user": {"first_name": "Аня"}}],
        ["Здравствуйте, Аня! Напишите мне, и я повторю ваши слова."],
        {"text": "привет"},
    ),
    "cat_or_bread.en": (
        ["hi", "Yes!", "nope"],
        ["This is bread, not a cat! Eat it!"],
        {},
    ),
    "cat_or_bread.ru": (
        ["/start", "НЕТ"],
        ["Это кот, а не хлеб! Не ешь его!"],
        {},
    ),
    "faq_menu.en": (
        ["/start", {"tap": "Delivery"}, {"tap": "« Back"}, "Can I pay by card?", "/menu",
         "refund?", {"tap": "« Back"}],
        ["What would you like to know?"],
        {},
    ),
    "faq_menu.ru": (
        ["/start", "как дела?", "Когда доставите?"],
        ["Доставка занимает 2–4 дня. Мы напишем вам, когда заказ будет в пути."],
        {},
    ),
    "feedback_form.en": (
        ["/start", "Ann", {"tap": "5"}, "More bread", "ann@", "ann@example.com"],
        ["Thank you! We are glad that you like us."],
        {"name": "Ann", "rating": 5, "comment": "More bread", "email": "ann@example.com"},
    ),
    "feedback_form.ru": (
        ["/start", {"tap": "Пропустить"}, "2", "пропустить", "a", "b", "c"],
        ["Спасибо! Мы постараемся стать лучше."],
        {"rating": 2},
    ),
    "appointment.en": (
        ["/start", "haircut", "2020-01-01", "tomorrow", "20:00", "2 pm", "Ann", "+1 555 123-4567",
         {"tap": "No"}, {"tap": "Styling"}, "8 January", "9:30", "Ann",
         {"contact": "15551234567"}, {"tap": "Yes"}],
        ["You are booked. See you on 2030-01-08!"],
        {"service": "Styling", "day": "2030-01-08", "hour": "09:30", "name": "Ann",
         "phone": "+15551234567"},
    ),
    "appointment.ru": (
        ["/start", {"tap": "Стрижка"}, "завтра", "назад", "послезавтра", "10", "Аня",
         "8 916 123-45-67", "да"],
        ["Вы записаны. Ждём вас 09.01.2030!"],
        {"service": "Стрижка", "day": "2030-01-09", "hour": "10:00", "name": "Аня",
         "phone": "89161234567"},
    ),
    "quiz.en": (
        ["/start", {"tap": "8"}, {"tap": "Mercury"}, {"tap": "Au"}, {"tap": "Again"},
         {"tap": "6"}, {"tap": "Mercury"}, {"tap": "Ag"}],
        ["No, it is Au.", "1 of 3. Try again?"],
        {"score": 1},
    ),
    "quiz.ru": (
        ["/start", {"tap": "8"}, {"tap": "Меркурий"}, {"tap": "Au"}],
        ["Верно!", "3 из 3: отлично!"],
        {"score": 3},
    ),
    "order.en": (
        ["/start", {"tap": "Add bread"}, {"tap": "Empty it"}, {"tap": "Add bread"},
         {"tap": "Add more"}, {"tap": "Add honey"}, "/basket", {"tap": "Check out"}, "Ann",
         {"contact": "+1555123"}, "Main Street 1", {"tap": "No"}, {"tap": "Check out"}, "Ann",
         {"contact": "+1555123"}, "Main Street 2", {"tap": "Yes, order"}],
        ["Thank you, Ann! We will call you soon."],
        {"basket": "• Bread, 3 €\n• Honey, 9 €\n", "total": 12, "name": "Ann",
         "phone": "+1555123", "address": "Main Street 2"},
    ),
    "order.ru": (
        ["/basket", {"tap": "Сыр – в корзину"}],
        ["В корзине:\n• Сыр, 350 ₽\nИтого: 350 ₽"],
        {"basket": "• Сыр, 350 ₽\n", "total": 350},
    ),
}  # fmt: skip


def test_there_are_seven_in_two_languages() -> None:
    assert {*template_names()} == {f"{base}.{of}" for base in BASES for of in ("en", "ru")}
    assert DEFAULT in template_names()
    assert {*PLAYED} == {*template_names()}


@pytest.mark.parametrize("name", template_names())
def test_it_has_no_problems(name: str) -> None:
    assert validate(template(name))[1] == []


@pytest.mark.parametrize("name", template_names())
def test_it_can_be_played_through(name: str) -> None:
    events, last, variables = PLAYED[name]
    played = simulate(load(template(name)), events)
    assert played.replies[-1] == last
    assert played.variables == variables
    assert played.failures == []


@pytest.mark.parametrize("base", BASES)
def test_every_state_is_reached_in_one_of_the_languages(base: str) -> None:
    left = [
        {*coverage(scenario, simulate(scenario, PLAYED[name][0]).log).states}
        for name in (f"{base}.en", f"{base}.ru")
        for scenario in [load(template(name))]
    ]
    assert left[0] & left[1] == set()


@pytest.mark.parametrize("base", BASES)
def test_both_languages_have_the_same_states(base: str) -> None:
    english, russian = template(f"{base}.en"), template(f"{base}.ru")
    assert [*english["states"]] == [*russian["states"]]
    texts = re.sub(r"\{\{.*?\}\}|placehold\S*", "", str(russian["states"]))
    assert re.search("[а-я]", texts) or base == "echo"


def test_there_is_no_other() -> None:
    with pytest.raises(KeyError):
        template("../scenario.schema")
