"""The buttons of a message as the Bot API's `reply_markup`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dialogs.messages.content import Button, Keyboard, KeyboardButton, Message
from dialogs.messages.formatted import is_blank
from dialogs.messages.schema import MAX_BUTTON_TEXT, MAX_COPIED
from dialogs.messages.variables import Values

_PLACEHOLDER = 64  # characters: https://core.telegram.org/bots/api#replykeyboardmarkup
HTTPS = re.compile(r"https://[^\s/]", re.IGNORECASE)
_OPENED = re.compile(r"(?:https?://[^\s/]|tg://\S)", re.IGNORECASE)


def reply_markup(message: Message, values: Values) -> dict[str, Any] | None:
    """Return the buttons of a message; None if it has none.

    A button of which variables leave no text or no valid address is left out, because Telegram
    would refuse the whole message.
    """
    if message.buttons:
        rows = [[*_inline_buttons(row, values)] for row in message.buttons]
        rows = [row for row in rows if row]
        return {"inline_keyboard": rows} if rows else None
    if message.keyboard:
        return _keyboard(message.keyboard, values)
    return {"remove_keyboard": True} if message.remove_keyboard else None


def _inline_buttons(row: tuple[Button, ...], values: Values) -> Iterator[dict[str, Any]]:
    for button in row:
        text, action = one_line(button.text, MAX_BUTTON_TEXT, values), _action(button, values)
        if text and action:
            yield _styled({"text": text, **action}, button)


def _action(button: Button, values: Values) -> dict[str, Any] | None:
    """Return what a button does; None if its variables leave nothing."""
    if button.go:
        return {"callback_data": button.go}
    if button.url:
        url = values.fill_url(button.url)
        return {"url": url} if _OPENED.match(url) else None
    if button.web_app:
        url = values.fill_url(button.web_app)
        return {"web_app": {"url": url}} if HTTPS.match(url) else None
    copied = values.fill(button.copy)[:MAX_COPIED]
    return None if is_blank(copied) else {"copy_text": {"text": copied}}


def _keyboard(keyboard: Keyboard, values: Values) -> dict[str, Any] | None:
    rows = [[*_keyboard_buttons(row, values)] for row in keyboard.rows]
    rows = [row for row in rows if row]
    if not rows:
        return None
    markup: dict[str, Any] = {"keyboard": rows, "resize_keyboard": keyboard.resize}
    if keyboard.one_time:
        markup["one_time_keyboard"] = True
    if placeholder := one_line(keyboard.placeholder, _PLACEHOLDER, values):
        markup["input_field_placeholder"] = placeholder
    return markup


def _keyboard_buttons(row: tuple[KeyboardButton, ...], values: Values) -> Iterator[dict[str, Any]]:
    for button in row:
        if text := one_line(button.text, MAX_BUTTON_TEXT, values):
            request = {f"request_{button.request}": True} if button.request else {}
            yield _styled({"text": text, **request}, button)


def _styled(made: dict[str, Any], button: Button | KeyboardButton) -> dict[str, Any]:
    return {**made, "style": button.style} if button.style else made


def one_line(template: str, longest: int, values: Values) -> str:
    """Return a filled text for one line, cut to a length; empty if it shows nothing."""
    text = values.fill(template)
    if "\n" in text:
        text = " ".join(text.split())
    text = text[:longest]
    return "" if is_blank(text) else text
