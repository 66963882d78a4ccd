"""What happens in the groups of a sandbox, as its callers ask for it."""

from __future__ import annotations

from typing import Any

from sandbox import groups, people
from sandbox.bots import SandboxBot
from sandbox.chats import Chat, User
from sandbox.errors import InvalidValue
from sandbox.registry import BotRegistry
from sandbox.updates import Update


class GroupActs(BotRegistry):
    """Who comes and goes in groups, and what groups become."""

    def join(
        self, bot_id: int, *, chat_id: int, user_id: int, by: int | None = None, **extra: Any
    ) -> list[Update]:
        """Let somebody come into a group, or the bot itself.

        Args:
            bot_id: The bot.
            chat_id: The group; it is made when it is new.
            user_id: Who comes: a user, or the bot by its own id.
            by: Who adds them; None is themselves, and user 1001 for the bot.
            extra: More about the user, and the chat's `title` in "chat"; see `send_message`.

        Returns:
            `chat_member`, or `my_chat_member` for the bot, and the message `new_chat_members`. The
            `update_id` is None where the bot does not take this type of update.

        Raises:
            UnknownBot: There is none such.
            InvalidValue: It is no group, or a user comes where the bot is not.
        """
        groups.check_group_id(chat_id)
        bot, chat, user = self._coming_or_going(bot_id, chat_id, user_id, by, extra)
        return groups.join(bot, chat, user, by=chat.user)

    def leave(
        self, bot_id: int, *, chat_id: int, user_id: int, by: int | None = None
    ) -> list[Update]:
        """Let somebody leave a group, or the bot itself; see `join`.

        Args:
            bot_id: The bot.
            chat_id: The group.
            user_id: Who leaves.
            by: Who removes them; None is themselves, and user 1001 for the bot.

        Raises:
            UnknownBot, UnknownChat: There is none such.
            InvalidValue: It is no group, or the bot is not there any more.
        """
        groups.check_group_id(chat_id)
        if self.bot(bot_id).chat(chat_id).blocked:
            raise InvalidValue("chat_id", f"names chat {chat_id}, where the bot is not any more")
        bot, chat, user = self._coming_or_going(bot_id, chat_id, user_id, by, {})
        return groups.leave(bot, chat, user, by=chat.user)

    def _coming_or_going(
        self, bot_id: int, chat_id: int, user_id: int, by: int | None, extra: dict[str, Any]
    ) -> tuple[SandboxBot, Chat, User]:
        """Give the bot, the group with its last writer as the one who acts, and who it is about."""
        bot = self.bot(bot_id)
        itself = user_id == bot.id
        user = bot.as_user() if itself else people.person(bot, user_id, extra)
        acting = by if by is not None or itself else user_id
        told = {"user_id": acting, "chat": extra.get("chat", {})}
        return bot, people.enter(bot, chat_id=chat_id, extra=told, removed=itself), user

    def migrate(self, bot_id: int, *, chat_id: int, new_chat_id: int | None = None) -> list[Update]:
        """Let a group become a supergroup, whose id is then `chat_id` - 10**12 if none is given.

        See `groups.migrate` for what is returned.

        Raises:
            UnknownBot, UnknownChat: There is none such.
            InvalidValue: It is no group, or the id is not one of a supergroup, or is taken.
        """
        bot = self.bot(bot_id)
        return groups.migrate(bot, bot.chat(chat_id), new_id=new_chat_id)

    def begin_topic(self, bot_id: int, *, chat_id: int, name: str, **extra: Any) -> Update:
        """Let a user begin a topic in a supergroup, which is a forum then.

        Args:
            bot_id: The bot.
            chat_id: The supergroup; it is made when it is new.
            name: Of the topic.
            extra: Who it is; see `send_message`.

        Returns:
            The message with `forum_topic_created`; its id is that of the topic.

        Raises:
            UnknownBot: There is none such.
            InvalidValue: It is no supergroup, the name is empty, or the bot was removed.
        """
        if not 1 <= len(name) <= groups.MAX_TOPIC_NAME:
            raise InvalidValue("name", f"must have 1 to {groups.MAX_TOPIC_NAME} characters")
        groups.check_supergroup_id(chat_id)
        bot = self.bot(bot_id)
        chat = people.enter(bot, chat_id=chat_id, extra=extra)
        return groups.begin_topic(bot, chat, name=name)
