"""What users do to a bot: write, edit, react, press buttons, block it."""

from __future__ import annotations

import secrets
import time
from typing import Any

from sandbox.bots import SandboxBot
from sandbox.chats import Chat, Message, User, is_service, quoted
from sandbox.contents import CAPTIONED
from sandbox.errors import InvalidValue, UnknownMessage
from sandbox.queries import Query
from sandbox.text import command_entities
from sandbox.updates import Update

KEPT_QUERIES = 1000

_UNTIL = {"kicked": {"until_date": 0}}  # for ever


# What `enter` takes as fields of the User, and not of the Message.
_USER = ("first_name", "last_name", "username", "language_code", "is_premium")


def enter(bot: SandboxBot, *, chat_id: int, extra: dict[str, Any], removed: bool = False) -> Chat:
    """Give the chat a user writes in, made when it is new, with that user as its last writer.

    Args:
        bot: The bot.
        chat_id: Positive for a private chat, negative for a group.
        extra: Taken out of it and used: `user_id` (the chat's own when absent, 1001 in a group),
            `first_name` ("Ann" before another one is given), `last_name`, `username`,
            `language_code`, `is_premium`, "from" and "chat" (more fields of the User and the Chat).
        removed: Whether the bot may have been removed from the chat.

    Raises:
        InvalidValue: The user has blocked the bot, or the group is a supergroup now.
    """
    if not chat_id:
        raise InvalidValue("chat_id", "must not be 0")
    chat = bot.chats.get(chat_id)
    if chat is not None and chat.blocked and not removed:
        raise InvalidValue("chat_id", f"names chat {chat_id}, where the bot is blocked")
    if chat is not None and chat.migrated_to is not None:
        raise InvalidValue("chat_id", f"names a group that became chat {chat.migrated_to}")
    user = person(bot, extra.pop("user_id", None) or (chat_id if chat_id > 0 else 1001), extra)
    if chat is None:
        chat = bot.chats[chat_id] = Chat(chat_id, user)
    chat.user = chat.members[user["id"]] = user
    chat.left.discard(user["id"])
    chat.title = extra.pop("chat", {}).get("title", chat.title)
    return chat


def person(bot: SandboxBot, user_id: int, extra: dict[str, Any]) -> User:
    """Give a person as a User object; what was told of them before stays true.

    Args:
        bot: The bot that remembers them.
        user_id: Their id.
        extra: See `enter`; the fields of the User are taken out of it.
    """
    user = bot.people.get(user_id)
    if user is None:
        user = {"id": user_id, "is_bot": False, "first_name": "Ann", "language_code": "en"}
    told = {name: extra.pop(name) for name in _USER if name in extra}
    told = {name: value for name, value in told.items() if value is not None}
    told |= extra.pop("from", {})
    bot.people[user_id] = {**user, **told} if told else user
    return bot.people[user_id]


def write(bot: SandboxBot, chat: Chat, content: dict[str, Any]) -> Update:
    """Put a message of the chat's user into the chat and queue its update.

    Args:
        bot: The bot.
        chat: The chat.
        content: The fields of the Message, and `reply_to_message_id`, which stands for the message
            with this id. What is given as `message_thread_id` must be a topic of the chat.

    Raises:
        InvalidValue: There is no such topic.
        UnknownMessage: There is no message to reply to.
    """
    content = {**_place(chat, content), **content}
    for text, entities in (("text", "entities"), ("caption", "caption_entities")):
        found = command_entities(content.get(text, ""))
        if found and entities not in content:
            content[entities] = found
    return bot.updates.push("message", chat.add(chat.user, content))


def _place(chat: Chat, content: dict[str, Any]) -> dict[str, Any]:
    """Give the fields that tell of the topic and of what is replied to."""
    topic = content.get("message_thread_id")
    replied = content.pop("reply_to_message_id", None)
    place: dict[str, Any] = {}
    if replied is not None:
        message = find(chat, replied, field="reply_to_message_id")
        topic = topic or message.get("message_thread_id")
        place["reply_to_message"] = quoted(message)
    if topic is None:
        return place
    fields = chat.in_topic(topic)
    if fields is None:
        raise InvalidValue("message_thread_id", f"names no topic of chat {chat.id}: {topic}")
    return {**fields, **place}


def find(chat: Chat, message_id: int, *, field: str = "message_id") -> Message:
    """Give a message of a chat.

    Raises:
        UnknownMessage: There is none such.
    """
    message = chat.find(message_id)
    if message is None:
        raise UnknownMessage(field, message_id)
    return message


def edit(bot: SandboxBot, *, chat_id: int, message_id: int, fields: dict[str, Any]) -> Update:
    """Change a user's message and queue `edited_message`.

    Args:
        bot: The bot.
        chat_id: The chat.
        message_id: The message.
        fields: The fields of the Message that are new: text, caption, their entities, location,
            ... An empty caption takes the old one away.

    Raises:
        UnknownChat, UnknownMessage: There is none such.
        InvalidValue: The message is the bot's own, or has nothing that could be changed so.
    """
    old = find(bot.chat(chat_id), message_id)
    if old["from"]["id"] == bot.id or is_service(old):
        raise InvalidValue("message_id", "names a message of the bot itself or of the chat")
    if not fields:
        raise InvalidValue("text", "or another field must be given")
    if "text" in fields and not ("text" in old and fields["text"]):
        raise InvalidValue("text", "must not be empty, and is only for messages with a text")
    if "caption" in fields and CAPTIONED.isdisjoint(old):
        raise InvalidValue("caption", "is only for messages with a file that may have one")
    new = {**old, **fields, "edit_date": int(time.time())}
    for text, entities in (("text", "entities"), ("caption", "caption_entities")):
        if text in fields and entities not in fields:
            new[entities] = command_entities(fields[text])
    for name in ("entities", "caption", "caption_entities"):
        if name in new and not new[name]:
            del new[name]
    bot.chat(chat_id).replace(new)
    return bot.updates.push("edited_message", new)


def age(bot: SandboxBot, *, chat_id: int, message_id: int, seconds: int) -> None:
    """Make a message older, whoever it is from: `date`, and `edit_date` if it has one.

    Raises:
        UnknownChat, UnknownMessage: There is none such.
    """
    chat = bot.chat(chat_id)
    old = find(chat, message_id)
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
    message = find(chat, message_id)
    query_id = str(secrets.randbits(62))
    bot.queries[query_id] = Query()
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


def react(
    bot: SandboxBot, chat: Chat, *, message_id: int, reaction: list[str | dict[str, Any]]
) -> Update:
    """Change the reactions of the chat's user on a message and queue `message_reaction`.

    Args:
        bot: The bot.
        chat: The chat.
        message_id: The message, whoever it is from.
        reaction: All reactions the user has then: emoji, or objects of the Bot API.

    Raises:
        UnknownMessage: There is none such.
    """
    find(chat, message_id)
    new = [{"type": "emoji", "emoji": one} if isinstance(one, str) else one for one in reaction]
    key = (message_id, chat.user["id"])
    change = {
        "chat": chat.as_json(),
        "message_id": message_id,
        "user": chat.user,
        "date": int(time.time()),
        "old_reaction": chat.reactions.get(key, []),
        "new_reaction": new,
    }
    chat.reactions[key] = new
    return bot.updates.push("message_reaction", change)


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
    statuses = ("member", "kicked") if blocked else ("kicked", "member")
    return tell_member(bot, chat, bot.as_user(), statuses, by=chat.user)


def tell_member(
    bot: SandboxBot, chat: Chat, user: User, statuses: tuple[str, str], *, by: User
) -> Update:
    """Queue `my_chat_member`, or `chat_member` of somebody else: the statuses before and after."""
    old, new = ({"user": user, "status": status, **_UNTIL.get(status, {})} for status in statuses)
    change = {
        "chat": chat.as_json(),
        "from": by,
        "date": int(time.time()),
        "old_chat_member": old,
        "new_chat_member": new,
    }
    kind = "my_chat_member" if user["id"] == bot.id else "chat_member"
    return bot.updates.push(kind, change)
