"""Taps on buttons that are named by what they show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox import contents, people
from sandbox.bots import SandboxBot
from sandbox.chats import Chat
from sandbox.errors import InvalidValue
from sandbox.updates import Update

LISTED = 20  # buttons in an error

Button = dict[str, Any]


def tap(
    bot: SandboxBot, *, chat_id: int, text: str, older: int = 0, extra: dict[str, Any]
) -> Update:
    """Tap the button with a text in the last message that has one, or on the user's keyboard.

    Args:
        bot: The bot.
        chat_id: The chat.
        text: What the button shows.
        older: 1 for the message before the last one that has such a button, and so on.
        extra: Who taps; see `people.enter`.

    Raises:
        UnknownChat: There is none such.
        InvalidValue: There is no such button, or the bot is not told of taps on it.
    """
    chat = bot.chat(chat_id)
    found = [(place, button) for place, button in _buttons(bot, chat) if button["text"] == text]
    places = list(dict.fromkeys(place for place, _ in found))
    if not 0 <= older < len(places):
        raise InvalidValue("older" if older and found else "text", _none_such(bot, chat, places))
    button = next(button for place, button in found if place == places[older])
    message_id, is_key = places[older]
    if not is_key and "callback_data" not in button:
        raise InvalidValue("text", "names a button of which the bot is not told: a link, or such")
    people.enter(bot, chat_id=chat_id, extra=extra)
    if is_key:
        return people.write(bot, chat, _sent_by(bot, chat, button))
    data = button["callback_data"]
    return people.press(bot, chat_id=chat_id, message_id=message_id, data=data)


def _buttons(bot: SandboxBot, chat: Chat) -> Iterator[tuple[tuple[int, bool], Button]]:
    """Give the buttons that are shown, of the latest message first.

    Each comes with the id of its message, and whether it is one of the user's keyboard.
    """
    keyboard_id, keyboard = _keyboard(bot, chat)
    for message in chat.latest():
        message_id = message["message_id"]
        for row in message.get("reply_markup", {}).get("inline_keyboard", []):
            yield from (((message_id, False), button) for button in row)
        for row in keyboard if message_id == keyboard_id else []:
            for key in row:
                yield (message_id, True), {"text": key} if isinstance(key, str) else key


def _keyboard(bot: SandboxBot, chat: Chat) -> tuple[int, list[list[Any]]]:
    """Give the keyboard that the user sees now, and the id of its message; 0 if there is none."""
    for sent in reversed(bot.journal.sent(chat_id=chat.id)):
        markup = sent.reply_markup or {}
        if "keyboard" in markup or markup.get("remove_keyboard"):
            return sent.message_id, markup.get("keyboard", [])
    return 0, []


def _none_such(bot: SandboxBot, chat: Chat, places: list[tuple[int, bool]]) -> str:
    if places:
        return f"must be below {len(places)}: so many messages have this button"
    texts = dict.fromkeys(str(button["text"]) for _, button in _buttons(bot, chat))
    if not texts:
        return f"names no button: the bot shows none in chat {chat.id}"
    listed = ", ".join(f'"{text}"' for text in list(texts)[:LISTED])
    return f"names no button of chat {chat.id}; its buttons, the latest first: {listed}"


def _sent_by(bot: SandboxBot, chat: Chat, key: Button) -> dict[str, Any]:
    """Give the fields of the message that a key of the user's keyboard sends."""
    if key.get("request_contact"):
        names = ("first_name", "last_name")
        own = {"user_id": chat.user["id"]}
        own |= {name: chat.user[name] for name in names if name in chat.user}
        return contents.make(bot, "contact", contents.Given(details=own), {})
    if key.get("request_location"):
        return contents.make(bot, "location", contents.Given(), {})
    return {"text": key["text"]}
