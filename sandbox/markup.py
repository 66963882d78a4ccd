"""Reply markups as the bot gives them."""

from __future__ import annotations

from typing import Any

from sandbox.errors import bad_request
from sandbox.params import Params

MAX_CALLBACK_BYTES = 64

_ACTIONS = frozenset(
    (
        "url",
        "callback_data",
        "web_app",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "copy_text",
        "callback_game",
        "pay",
    )
)


def read_markup(params: Params) -> dict[str, Any] | None:
    """Read `reply_markup` and check its buttons.

    Raises:
        ApiError: 400, it is not a markup, or a button is not complete.

    Source: https://core.telegram.org/bots/api#inlinekeyboardbutton
    """
    if "reply_markup" not in params:
        return None
    markup = params.decoded("reply_markup", what="reply keyboard markup")
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    for row in _rows(markup, "inline_keyboard"):
        for button in row:
            _check_inline_button(button)
    _rows(markup, "keyboard")
    return markup


def inline_part(markup: dict[str, Any] | None) -> dict[str, Any]:
    """Give the markup as a field of a Message: only inline keyboards are part of it."""
    if markup and any(markup.get("inline_keyboard", [])):
        return {"reply_markup": {"inline_keyboard": markup["inline_keyboard"]}}
    return {}


def _rows(markup: dict[str, Any], name: str) -> list[list[Any]]:
    rows = markup.get(name, [])
    if not isinstance(rows, list):
        raise bad_request(f'field "{name}" of the ReplyMarkup must be an Array')
    if not all(isinstance(row, list) for row in rows):
        raise bad_request(f'field "{name}" of the ReplyMarkup must be an Array of Arrays')
    return rows


def _check_inline_button(button: Any) -> None:
    problem = "can't parse inline keyboard button: "
    if not isinstance(button, dict):
        raise bad_request(problem + "InlineKeyboardButton must be an Object")
    if not button.get("text"):
        raise bad_request(problem + 'Can\'t find field "text"')
    if not _ACTIONS & button.keys():
        raise bad_request(problem + "Text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= MAX_CALLBACK_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
