"""Bot API methods that send, edit and delete messages."""

from __future__ import annotations

import time
from typing import Any, Literal

from sandbox.bots import SandboxBot
from sandbox.chats import Chat, Message
from sandbox.errors import ApiError, bad_request
from sandbox.files import StoredFile, Upload
from sandbox.markup import inline_part, read_markup
from sandbox.params import Params
from sandbox.text import Entity, command_entities, parse_html

MAX_TEXT = 4096
MAX_CAPTION = 1024

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)


def read_chat(bot: SandboxBot, params: Params) -> Chat:
    """Find the chat that `chat_id` names.

    Raises:
        ApiError: 400 when there is none, 403 when the bot may not write there.
    """
    given = params.text("chat_id")
    if not given:
        raise bad_request("chat_id is empty")
    try:
        chat = bot.chats.get(int(given))
    except ValueError:
        chat = None
    if chat is None:
        raise bad_request("chat not found")
    if chat.blocked:
        where = "blocked by the user" if chat.private else "kicked from the group chat"
        raise ApiError(403, f"Forbidden: bot was {where}")
    return chat


def read_text(params: Params, name: str = "text") -> tuple[str, list[Entity]]:
    """Read a text or caption with its entities, by parse_mode, given, or found.

    Raises:
        ApiError: 400, the entities cannot be parsed.
    """
    text = params.text(name).strip()
    mode = params.text("parse_mode").lower()
    if mode == "html":
        text, entities = parse_html(text)
        return text, entities + command_entities(text)
    if mode not in {"", "markdown", "markdownv2"}:
        raise bad_request("unsupported parse_mode")
    given = params.decoded("caption_entities" if name == "caption" else "entities", what="entities")
    return text, given if isinstance(given, list) else command_entities(text)


def _checked_text(params: Params) -> dict[str, Any]:
    text, entities = read_text(params)
    if not text:
        raise bad_request("message text is empty")
    if len(text) > MAX_TEXT:
        raise bad_request("message is too long")
    return {"text": text, "entities": entities} if entities else {"text": text}


def _checked_caption(params: Params) -> dict[str, Any]:
    if "caption" not in params:
        return {}
    caption, entities = read_text(params, "caption")
    if len(caption) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    return {"caption": caption, "caption_entities": entities} if entities else {"caption": caption}


def _reply_to(chat: Chat, params: Params) -> dict[str, Any]:
    message_id = params.integer("reply_to_message_id")
    optional = params.flag("allow_sending_without_reply")
    if "reply_parameters" in params:
        given = params.decoded("reply_parameters", what="reply parameters")
        if not isinstance(given, dict):
            raise bad_request("object expected as reply parameters")
        message_id = int(given.get("message_id", 0))
        optional = bool(given.get("allow_sending_without_reply"))
    if not message_id:
        return {}
    message = chat.find(message_id)
    if message is not None:
        quoted = {key: value for key, value in message.items() if key != "reply_to_message"}
        return {"reply_to_message": quoted}
    if optional:
        return {}
    raise bad_request("message to be replied not found")


def _send(
    bot: SandboxBot, method: str, chat: Chat, params: Params, content: dict[str, Any]
) -> Message:
    markup = read_markup(params)
    reply = _reply_to(chat, params)
    bot.flood.check()
    message = chat.add(bot.as_user(), {**reply, **content, **inline_part(markup)})
    bot.journal.add_sent(method, message, markup)
    return message


def send_message(bot: SandboxBot, params: Params) -> Message:
    """sendMessage. Source: https://core.telegram.org/bots/api#sendmessage"""
    chat = read_chat(bot, params)
    return _send(bot, "sendMessage", chat, params, _checked_text(params))


def send_photo(bot: SandboxBot, params: Params) -> Message:
    """sendPhoto. Source: https://core.telegram.org/bots/api#sendphoto"""
    chat = read_chat(bot, params)
    stored = _read_file(bot, params, "photo", folder="photos")
    content = {"photo": stored.as_photo(), **_checked_caption(params)}
    return _send(bot, "sendPhoto", chat, params, content)


def send_document(bot: SandboxBot, params: Params) -> Message:
    """sendDocument. Source: https://core.telegram.org/bots/api#senddocument"""
    chat = read_chat(bot, params)
    stored = _read_file(bot, params, "document", folder="documents")
    content = {"document": stored.as_document(), **_checked_caption(params)}
    return _send(bot, "sendDocument", chat, params, content)


def _read_file(
    bot: SandboxBot, params: Params, name: str, *, folder: Literal["documents", "photos"]
) -> StoredFile:
    given = params.text(name)
    upload = params.files.get(given.removeprefix("attach://") if given else name)
    if upload is not None:
        if not upload.data:
            raise bad_request("file must be non-empty")
        return bot.files.add(upload, folder=folder)
    if not given:
        raise bad_request(f"there is no {name} in the request")
    if given.startswith(("http://", "https://")):
        file_name = given.partition("?")[0].rpartition("/")[2] or "file"
        return bot.files.add(Upload(file_name, given.encode()), folder=folder)
    stored = bot.files.by_id(given)
    if stored is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return stored


def edit_message_text(bot: SandboxBot, params: Params) -> Message:
    """editMessageText. Source: https://core.telegram.org/bots/api#editmessagetext"""
    old = _message_to_edit(bot, params)
    content = _checked_text(params)
    if "text" not in old:
        raise bad_request("there is no text in the message to edit")
    return _edit(bot, "editMessageText", old, content, read_markup(params))


def edit_message_reply_markup(bot: SandboxBot, params: Params) -> Message:
    """editMessageReplyMarkup. Source: https://core.telegram.org/bots/api#editmessagereplymarkup"""
    old = _message_to_edit(bot, params)
    names = ("text", "entities", "caption", "caption_entities")
    content = {name: old[name] for name in names if name in old}
    return _edit(bot, "editMessageReplyMarkup", old, content, read_markup(params))


def _message_to_edit(bot: SandboxBot, params: Params) -> Message:
    chat = read_chat(bot, params)
    message_id = params.integer("message_id")
    if not message_id:
        raise bad_request("message identifier is not specified")
    message = chat.find(message_id)
    if message is None:
        raise bad_request("message to edit not found")
    if message["from"]["id"] != bot.id:
        raise bad_request("message can't be edited")
    return message


def _edit(
    bot: SandboxBot, method: str, old: Message, content: Message, markup: dict[str, Any] | None
) -> Message:
    replaced = {"text", "entities", "caption", "caption_entities", "reply_markup", "edit_date"}
    kept = {key: value for key, value in old.items() if key not in replaced}
    new = {**kept, **content, **inline_part(markup)}
    if new == {key: value for key, value in old.items() if key != "edit_date"}:
        raise bad_request(NOT_MODIFIED)
    new["edit_date"] = int(time.time())
    bot.chats[old["chat"]["id"]].replace(new)
    bot.journal.add_sent(method, new, markup)
    return new


def delete_message(bot: SandboxBot, params: Params) -> bool:
    """deleteMessage. Source: https://core.telegram.org/bots/api#deletemessage"""
    chat = read_chat(bot, params)
    message_id = params.integer("message_id")
    if not message_id:
        raise bad_request("message identifier is not specified")
    if not chat.remove(message_id):
        raise bad_request("message to delete not found")
    return True
