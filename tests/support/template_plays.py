"""The templates played through: what people do, and what must come of it.

The same plays are simulated (tests/dialogs) and played with a real server (tests/runner).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

_ONE_DAY = timedelta(days=1)


class Play(NamedTuple):
    """A template played through.

    Args:
        events: what the user does, as docs/scenarios.md describes it.
        last: what the bot says to the last of them.
        variables: at the end, without those that are empty.
    """

    events: list[Any]
    last: list[str]
    variables: dict[str, Any]


def plays(today: date) -> dict[str, Play]:
    """The play of each template.

    Args:
        today: where the scenario is.
    """
    tomorrow, later = today + _ONE_DAY, today + 2 * _ONE_DAY
    return {
        "echo.en": Play(
            ["/start", {"sticker": "x"}, "*hello*"],
            ["*hello*"],
            {"text": "*hello*"},
        ),
        "echo.ru": Play(
            ["привет", {"text": "/start", "user": {"first_name": "Аня"}}],
            ["Здравствуйте, Аня! Напишите мне, и я повторю ваши слова."],
            {"text": "привет"},
        ),
        "cat_or_bread.en": Play(
            ["hi", "Yes!", "nope"],
            ["This is bread, not a cat! Eat it!"],
            {},
        ),
        "cat_or_bread.ru": Play(
            ["/start", "НЕТ"],
            ["Это кот, а не хлеб! Не ешь его!"],
            {},
        ),
        "faq_menu.en": Play(
            ["/start", {"tap": "Delivery"}, {"tap": "« Back"}, "Can I pay by card?", "/menu",
             "refund?", {"tap": "« Back"}],
            ["What would you like to know?"],
            {},
        ),
        "faq_menu.ru": Play(
            ["/start", "как дела?", "Когда доставите?"],
            ["Доставка занимает 2–4 дня. Мы напишем вам, когда заказ будет в пути."],
            {},
        ),
        "feedback_form.en": Play(
            ["/start", "Ann", {"tap": "5"}, "More bread", "ann@", "ann@example.com"],
            ["Thank you! We are glad that you like us."],
            {"name": "Ann", "rating": 5, "comment": "More bread", "email": "ann@example.com"},
        ),
        "feedback_form.ru": Play(
            ["/start", {"tap": "Пропустить"}, "2", "пропустить", "a", "b", "c"],
            ["Спасибо! Мы постараемся стать лучше."],
            {"rating": 2},
        ),
        "appointment.en": Play(
            ["/start", "haircut", "2020-01-01", "tomorrow", "20:00", "2 pm", "Ann",
             "+1 555 123-4567", {"tap": "No"}, {"tap": "Styling"},
             f"{tomorrow.day} {tomorrow:%B}", "9:30", "Ann",
             {"contact": "15551234567"}, {"tap": "Yes"}],
            [f"You are booked. See you on {tomorrow}!"],
            {"service": "Styling", "day": str(tomorrow), "hour": "09:30", "name": "Ann",
             "phone": "+15551234567"},
        ),
        "appointment.ru": Play(
            ["/start", {"tap": "Стрижка"}, "завтра", "назад", "послезавтра", "10", "Аня",
             "8 916 123-45-67", "да"],
            [f"Вы записаны. Ждём вас {later:%d.%m.%Y}!"],
            {"service": "Стрижка", "day": str(later), "hour": "10:00", "name": "Аня",
             "phone": "89161234567"},
        ),
        "quiz.en": Play(
            ["/start", {"tap": "8"}, {"tap": "Mercury"}, {"tap": "Au"}, {"tap": "Again"},
             {"tap": "6"}, {"tap": "Mercury"}, {"tap": "Ag"}],
            ["No, it is Au.", "1 of 3. Try again?"],
            {"score": 1},
        ),
        "quiz.ru": Play(
            ["/start", {"tap": "8"}, {"tap": "Меркурий"}, {"tap": "Au"}],
            ["Верно!", "3 из 3: отлично!"],
            {"score": 3},
        ),
        "order.en": Play(
            ["/start", {"tap": "Add bread"}, {"tap": "Empty it"}, {"tap": "Add bread"},
             {"tap": "Add more"}, {"tap": "Add honey"}, "/basket", {"tap": "Check out"}, "Ann",
             {"contact": "+1555123"}, "Main Street 1", {"tap": "No"}, {"tap": "Check out"}, "Ann",
             {"contact": "+1555123"}, "Main Street 2", {"tap": "Yes, order"}],
            ["Thank you, Ann! We will call you soon."],
            {"basket": "• Bread, 3 €\n• Honey, 9 €\n", "total": 12, "name": "Ann",
             "phone": "+1555123", "address": "Main Street 2"},
        ),
        "order.ru": Play(
            ["/basket", {"tap": "Сыр – в корзину"}],
            ["В корзине:\n• Сыр, 350 ₽\nИтого: 350 ₽"],
            {"basket": "• Сыр, 350 ₽\n", "total": 350},
        ),
    }  # fmt: skip
