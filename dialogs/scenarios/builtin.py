"""Words and texts that every scenario has unless it says otherwise, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dialogs.scenarios.normalizing import normalize

LANGUAGES = ("en", "ru")
# What a user can write to do it; a command works in every state, a word only in questions.
WORDS: Mapping[str, tuple[str, ...]] = {
    "back": ("/back", "back", "назад"),
    "cancel": ("/cancel", "cancel", "отмена", "отменить"),
    "help": ("/help", "help", "помощь"),
    "skip": ("/skip", "skip", "пропустить"),
}
_TEXTS: Mapping[str, Mapping[str, str]] = {
    "old_menu": {
        "en": "This menu is old. Here is the present one.",
        "ru": "Это старое меню. Вот нынешнее.",
    },
    "cancelled": {
        "en": "Cancelled. Write anything to begin again.",
        "ru": "Отменено. Напишите что-нибудь, чтобы начать заново.",
    },
    "help": {
        "en": "Answer what is asked. /back goes back, /cancel ends the dialog.",
        "ru": "Ответьте на вопрос. /back – назад, /cancel – закончить.",
    },
    "error": {
        "en": "Sorry, something is wrong here. Please try again later.",
        "ru": "Извините, что-то пошло не так. Попробуйте позже.",
    },
    "skip": {"en": "Skip", "ru": "Пропустить"},
    "done": {"en": "Done", "ru": "Готово"},
    "share_phone": {"en": "Send my phone number", "ru": "Отправить мой номер"},
    "share_location": {"en": "Send my location", "ru": "Отправить моё местоположение"},
}
_RETRY: Mapping[str, Mapping[str, str]] = {
    "text": {
        "en": "Please write a text of the right length.",
        "ru": "Напишите, пожалуйста, текст подходящей длины.",
    },
    "number": {
        "en": "Please write a number that fits, such as 7.",
        "ru": "Напишите, пожалуйста, подходящее число, например 7.",
    },
    "email": {
        "en": "Please write an email address, such as name@example.com.",
        "ru": "Напишите, пожалуйста, адрес почты, например name@example.com.",
    },
    "phone": {
        "en": "Please send a phone number, such as +15551234567.",
        "ru": "Отправьте, пожалуйста, номер телефона, например +79161234567.",
    },
    "date": {
        "en": "Please write a date that fits, such as 2030-12-31 or tomorrow.",
        "ru": "Напишите, пожалуйста, подходящую дату, например 31.12.2030 или завтра.",
    },
    "time": {
        "en": "Please write a time that fits, such as 14:30.",
        "ru": "Напишите, пожалуйста, подходящее время, например 14:30.",
    },
    "choice": {
        "en": "Please choose one of the answers.",
        "ru": "Выберите, пожалуйста, один из ответов.",
    },
    "choices": {
        "en": "Please choose as many answers as are asked for.",
        "ru": "Выберите, пожалуйста, нужное число ответов.",
    },
    "location": {"en": "Please send a location.", "ru": "Отправьте, пожалуйста, местоположение."},
    "photo": {"en": "Please send a photo.", "ru": "Отправьте, пожалуйста, фото."},
    "video": {"en": "Please send a video.", "ru": "Отправьте, пожалуйста, видео."},
    "audio": {"en": "Please send an audio file.", "ru": "Отправьте, пожалуйста, аудио."},
    "voice": {
        "en": "Please send a voice message.",
        "ru": "Отправьте, пожалуйста, голосовое сообщение.",
    },
    "document": {"en": "Please send a document.", "ru": "Отправьте, пожалуйста, документ."},
    "file": {"en": "Please send a file.", "ru": "Отправьте, пожалуйста, файл."},
}
TEXTS = {**_TEXTS, **{f"retry_{kind}": text for kind, text in _RETRY.items()}}


def read_words(document: Mapping[str, Any]) -> dict[str, str]:
    """Return what each word and command of a scenario does.

    Args:
        document: its `words`; empty for the built-in ones.
    """
    found: dict[str, str] = {}
    for action, words in {**WORDS, **document}.items():
        for word in words:
            found.setdefault(word.lower() if word.startswith("/") else normalize(word), action)
    return found


BUILT_IN_WORDS = read_words({})  # of all scenarios that have no others
