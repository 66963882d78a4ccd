"""What happens in groups: people and the bot come and go, topics begin, a group becomes larger."""

from __future__ import annotations

from typing import Any

from sandbox.bots import SandboxBot
from sandbox.chats import SUPERGROUPS, Chat, User
from sandbox.errors import InvalidValue
from sandbox.people import tell_member
from sandbox.updates import Update

MAX_TOPIC_NAME = 128
TOPIC_COLOR = 0x6FB9F0  # of an icon

# Who seems to write the first message of a supergroup that was a group.
_GROUP: User = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}


def join(bot: SandboxBot, chat: Chat, user: User, *, by: User) -> list[Update]:
    """Let somebody, or the bot, come into a group.

    Returns:
        `chat_member` or `my_chat_member`, then the message with `new_chat_members`. The
        `update_id` is None where the bot does not take this type of update.

    """
    before = "kicked" if user["id"] == bot.id and chat.blocked else "left"
    if user["id"] == bot.id:
        chat.blocked = False
    else:
        chat.members[user["id"]] = user
        chat.left.discard(user["id"])
    change = tell_member(bot, chat, user, (before, "member"), by=by)
    return [change, _notice(bot, chat, {"new_chat_members": [user]}, by=by)]


def leave(bot: SandboxBot, chat: Chat, user: User, *, by: User) -> list[Update]:
    """Let somebody leave a group, or be removed; see `join`."""
    removed = by["id"] != user["id"]
    if user["id"] != bot.id:
        chat.left.add(user["id"])
    statuses = ("member", "kicked" if removed else "left")
    change = tell_member(bot, chat, user, statuses, by=by)
    notice = _notice(bot, chat, {"left_chat_member": user}, by=by)
    if user["id"] == bot.id:
        chat.blocked = True
    return [change, notice]


def migrate(bot: SandboxBot, chat: Chat, *, new_id: int | None) -> list[Update]:
    """Let a group become a supergroup, with the same title and members and another id.

    Returns:
        The last message of the group, with `migrate_to_chat_id`, and the first one of the
        supergroup, with `migrate_from_chat_id`.

    Raises:
        InvalidValue: It is no group, or the id is not one of a supergroup, or is taken.
    """
    check_group_id(chat.id)
    new_id = SUPERGROUPS + chat.id if new_id is None else new_id
    if chat.supergroup or chat.migrated_to is not None:
        raise InvalidValue("chat_id", "names a supergroup, or a group that became one already")
    check_supergroup_id(new_id, field="new_chat_id")
    if new_id in bot.chats:
        raise InvalidValue("new_chat_id", "is the id of another chat")
    last = _notice(bot, chat, {"migrate_to_chat_id": new_id}, by=chat.user)
    chat.migrated_to = new_id
    new = bot.chats[new_id] = Chat(new_id, chat.user, title=chat.title, members={**chat.members})
    content = {"sender_chat": new.as_json(), "migrate_from_chat_id": chat.id}
    return [last, _notice(bot, new, content, by=_GROUP)]


def begin_topic(bot: SandboxBot, chat: Chat, *, name: str) -> Update:
    """Let the chat's user begin a topic, which makes the supergroup a forum.

    Returns:
        The message with `forum_topic_created`; its id is that of the topic.
    """
    topic = chat.next_id
    chat.topics.add(topic)
    content = {
        "message_thread_id": topic,
        "is_topic_message": True,
        "forum_topic_created": {"name": name, "icon_color": TOPIC_COLOR},
    }
    return _notice(bot, chat, content, by=chat.user)


def _notice(bot: SandboxBot, chat: Chat, content: dict[str, Any], *, by: User) -> Update:
    return bot.updates.push("message", chat.add(by, content))


def check_group_id(chat_id: int) -> None:
    """Refuse what is not the id of a group.

    Raises:
        InvalidValue: It is 0 or more.
    """
    if chat_id >= 0:
        raise InvalidValue("chat_id", "must name a group: a number below 0")


def check_supergroup_id(chat_id: int, *, field: str = "chat_id") -> None:
    """Refuse what is not the id of a supergroup.

    Raises:
        InvalidValue: It is too high.
    """
    if chat_id > SUPERGROUPS:
        raise InvalidValue(field, f"must name a supergroup: {SUPERGROUPS} or lower")
