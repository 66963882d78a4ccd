"""Chats of one bot and the messages in them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]
User = dict[str, Any]

KEPT_MESSAGES = 1000
SUPERGROUPS = -(10**12)  # the ids of supergroups are this or lower

# A message with one of these tells of something that happened in the chat.
_SERVICE = frozenset(
    (
        "pinned_message",
        "new_chat_members",
        "left_chat_member",
        "new_chat_title",
        "new_chat_photo",
        "delete_chat_photo",
        "group_chat_created",
        "supergroup_chat_created",
        "migrate_to_chat_id",
        "migrate_from_chat_id",
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_closed",
        "forum_topic_reopened",
    )
)


@dataclass(slots=True)
class Chat:
    """One chat as one bot sees it; it exists once somebody wrote to the bot in it.

    Attributes:
        id: Positive for a private chat, negative for a group.
        user: Who wrote there last: in a private chat, its user.
        title: Of a group.
        blocked: The user blocked the bot, or the group removed it.
        members: Everybody who wrote there, by their id.
        pinned: The ids of the pinned messages, the last one pinned at the end.
        left: The ids of those who left it, or were removed from it.
        topics: Of a forum, the ids of its topics, which are those of the messages that began them.
        migrated_to: The id of the supergroup that the group became.
        reactions: The reactions of each person on each message, by the ids of both.
    """

    id: int
    user: User
    title: str = "Group"
    blocked: bool = False
    members: dict[int, User] = field(default_factory=dict)
    pinned: list[int] = field(default_factory=list)
    left: set[int] = field(default_factory=set)
    topics: set[int] = field(default_factory=set)
    migrated_to: int | None = None
    reactions: dict[tuple[int, int], list[dict[str, Any]]] = field(default_factory=dict)
    _last_id: int = 0
    _messages: dict[int, Message] = field(default_factory=dict)

    @property
    def private(self) -> bool:
        """Whether this is a private chat."""
        return self.id > 0

    @property
    def supergroup(self) -> bool:
        """Whether this is a supergroup."""
        return self.id <= SUPERGROUPS

    @property
    def next_id(self) -> int:
        """The id that the next message gets."""
        return self._last_id + 1

    def as_json(self) -> dict[str, Any]:
        """Describe it as a Chat object."""
        if self.private:
            fields = ("first_name", "last_name", "username")
            names = {name: self.user[name] for name in fields if name in self.user}
            return {"id": self.id, **names, "type": "private"}
        kind = "supergroup" if self.supergroup else "group"
        forum = {"is_forum": True} if self.topics else {}
        return {"id": self.id, "title": self.title, "type": kind, **forum}

    def full_info(self) -> dict[str, Any]:
        """Describe it as a ChatFullInfo object."""
        gifts = dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            self.private,
        )
        pinned = {"pinned_message": self._messages[self.pinned[-1]]} if self.pinned else {}
        return {
            **self.as_json(),
            "accent_color_id": abs(self.id) % 7,
            "max_reaction_count": 11,
            "accepted_gift_types": gifts,
            **pinned,
        }

    def add(self, sender: User, content: dict[str, Any]) -> Message:
        """Write a message into the chat under the next id.

        Args:
            sender: The user or bot it is from.
            content: Its own fields: text, document, reply_markup, ...
        """
        self._last_id = self.next_id
        message: Message = {
            "message_id": self._last_id,
            "from": sender,
            "chat": self.as_json(),
            "date": int(time.time()),
            **content,
        }
        self._messages[self._last_id] = message
        if len(self._messages) > KEPT_MESSAGES:
            self.remove(next(iter(self._messages)))
        return message

    def find(self, message_id: int) -> Message | None:
        """Give a message, or None when there is no such (any more)."""
        return self._messages.get(message_id)

    def latest(self) -> Iterator[Message]:
        """Give the messages, the latest first."""
        return reversed(self._messages.values())

    def in_topic(self, topic: int) -> Message | None:
        """Give the fields of a message in a topic, or None when there is no such topic.

        As on the real server, such a message replies to the one that began the topic, unless it
        replies to another one.
        """
        if topic not in self.topics:
            return None
        began = self._messages.get(topic)
        reply = {"reply_to_message": began} if began is not None else {}
        return {"message_thread_id": topic, "is_topic_message": True, **reply}

    def replace(self, message: Message) -> None:
        """Put an edited message in the place of the one with its id."""
        self._messages[message["message_id"]] = message

    def remove(self, message_id: int) -> bool:
        """Delete a message; says whether it was there."""
        if message_id in self.pinned:
            self.pinned.remove(message_id)
        return self._messages.pop(message_id, None) is not None


def is_service(message: Message) -> bool:
    """Say whether a message tells of something that happened in the chat."""
    return not _SERVICE.isdisjoint(message)


def quoted(message: Message) -> Message:
    """Give a message as the one that replies to it shows it: without what it replies to itself."""
    return {key: value for key, value in message.items() if key != "reply_to_message"}
