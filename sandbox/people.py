"""What users do to a bot: write, edit, press buttons, send files, block it."""

from __future__ import annotations

import secrets
import time
from typing import Any

from sandbox.bots import SandboxBot
from sandbox.chats import Chat, User
from sandbox.errors import InvalidValue, UnknownMessage
from sandbox.files import DOCUMENT, PHOTO, Upload
from sandbox.media import PHOTO_HEIGHT, PHOTO_WIDTH
from sandbox.text import command_entities
from sandbox.updates import Update

KEPT_QUERIES = 1000


def enter(bot: SandboxBot, *, chat_id: int, extra: dict[str, Any]) -> Chat:
    """Give the chat a user writes in, made when it is new, with that user as its last writer.

    Args:
        bot: The bot.
        chat_id: Positive for a private chat, negative for a group.
        extra: Taken out of it and used: `user_id` (the chat's own when absent, 1001 in a group),
            `first_name` ("Ann"), "from" and "chat" (more fields of the User and the Chat).

    Raises:
        InvalidValue: The user has blocked the bot.
    """
    if not chat_id:
        raise InvalidValue("chat_id", "must not be 0")
    chat = bot.chats.get(chat_id)
    if chat is not None and chat.blocked:
        raise InvalidValue("chat_id", f"names chat {chat_id}, where the bot is blocked")
    user: User = {
        "id": extra.pop("user_id", None) or (chat_id if chat_id > 0 else 1001),
        "is_bot": False,
        "first_name": extra.pop("first_name", None) or "Ann",
        "language_code": "en",
        **extra.pop("from", {}),
    }
    if chat is None:
        chat = bot.chats[chat_id] = Chat(chat_id, user)
    chat.user = chat.members[user["id"]] = user
    chat.title = extra.pop("chat", {}).get("title", chat.title)
    return chat


def write(bot: SandboxBot, chat: Chat, content: dict[str, Any]) -> Update:
    """Put a message of the chat's user into the chat and queue its update."""
    for text, entities in (("text", "entities"), ("caption", "caption_entities")):
        found = command_entities(content.get(text, ""))
        if found and entities not in content:
            content[entities] = found
    return bot.updates.push("message", chat.add(chat.user, content))


def edit(bot: SandboxBot, *, chat_id: int, message_id: int, text: str) -> Update:
    """Change the text of a user's message and queue `edited_message`.

    Raises:
        UnknownChat, UnknownMessage: There is none such.
        InvalidValue: The message is the bot's own.
    """
    chat = bot.chat(chat_id)
    old = chat.find(message_id)
    if old is None:
        raise UnknownMessage("message_id", message_id)
    if old["from"]["id"] == bot.id:
        raise InvalidValue("message_id", "names a message of the bot itself")
    new = {key: value for key, value in old.items() if key != "entities"}
    new |= {"text": text, "edit_date": int(time.time())}
    entities = command_entities(text)
    if entities:
        new["entities"] = entities
    chat.replace(new)
    return bot.updates.push("edited_message", new)


def age(bot: SandboxBot, *, chat_id: int, message_id: int, seconds: int) -> None:
    """Make a message older, whoever it is from: `date`, and `edit_date` if it has one.

    Raises:
        UnknownChat, UnknownMessage: There is none such.
    """
    chat = bot.chat(chat_id)
    old = chat.find(message_id)
    if old is None:
        raise UnknownMessage("message_id", message_id)
    new = {**old, "date": old["date"] - seconds}
    if "edit_date" in old:
        new["edit_date"] = old["edit_date"] - seconds
    chat.replace(new)
    bot.journal.redate(new)


def press(bot: SandboxBot, *, chat_id: int, message_id: int, data: str) -> Update:
    """Queue the callback query of a pressed button.

    The message need not have such a button any more: real users press old keyboards too.

    Raises:
        UnknownChat, UnknownMessage: There is none such.
    """
    chat = bot.chat(chat_id)
    message = chat.find(message_id)
    if message is None:
        raise UnknownMessage("message_id", message_id)
    query_id = str(secrets.randbits(62))
    bot.queries[query_id] = time.time()
    if len(bot.queries) > KEPT_QUERIES:
        del bot.queries[next(iter(bot.queries))]
    query = {
        "id": query_id,
        "from": chat.user,
        "message": message,
        "chat_instance": str(chat_id * 7919),
        "data": data,
    }
    return bot.updates.push("callback_query", query)


def set_blocked(bot: SandboxBot, chat_id: int, blocked: bool) -> Update | None:
    """Block or unblock the bot in a chat and queue `my_chat_member`.

    Returns:
        The update, None when nothing changed.

    Raises:
        UnknownChat: There is none such.
    """
    chat = bot.chat(chat_id)
    if chat.blocked == blocked:
        return None
    chat.blocked = blocked
    member = {"user": bot.as_user(), "status": "member"}
    gone = {"user": bot.as_user(), "status": "kicked", "until_date": 0}
    change = {
        "chat": chat.as_json(),
        "from": chat.user,
        "date": int(time.time()),
        "old_chat_member": member if blocked else gone,
        "new_chat_member": gone if blocked else member,
    }
    return bot.updates.push("my_chat_member", change)


def document(bot: SandboxBot, upload: Upload) -> dict[str, Any]:
    """Keep a user's file and give the field of a message that carries it."""
    return bot.files.add(upload, DOCUMENT).content()


def photo(bot: SandboxBot, upload: Upload) -> dict[str, Any]:
    """Keep a user's photo and give the field of a message that carries it."""
    return bot.files.add(upload, PHOTO, width=PHOTO_WIDTH, height=PHOTO_HEIGHT).content()
