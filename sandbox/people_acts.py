"""What people do to the bots of a sandbox, as its callers ask for it."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from sandbox import contents, people, taps
from sandbox.albums import MAX_ALBUM, new_group_id
from sandbox.bots import SandboxBot
from sandbox.errors import InvalidValue
from sandbox.group_acts import GroupActs
from sandbox.updates import Update

# Source: https://core.telegram.org/bots/features#deep-linking
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{0,64}")


class PeopleActs(GroupActs):
    """What people write, send, edit and press, and what they think of it."""

    def send_message(
        self,
        bot_id: int,
        *,
        text: str,
        chat_id: int = 1001,
        **extra: Any,
    ) -> Update:
        """Let a user write to the bot.

        Args:
            bot_id: The bot.
            text: What the user writes; commands in it get their entities.
            chat_id: Positive for a private chat, negative for a group (at -10**12 or below a
                supergroup).
            extra: Who writes: `user_id` (the chat's own when absent, 1001 in a group),
                `first_name` ("Ann" before another one is given), `last_name`, `username`,
                `language_code`, `is_premium`. More fields of the Message, of which
                `message_thread_id` names a topic, and `reply_to_message_id` stands for the message
                with this id. "from" and "chat" add to the user and the chat.

        Returns:
            The update. Its `update_id` is None when the bot does not take this type of update.

        Raises:
            UnknownBot, UnknownMessage: There is none such.
            InvalidValue: The text is empty, the user has blocked the bot, the group became a
                supergroup, or there is no such topic.
        """
        if not text:
            raise InvalidValue("text", "must not be empty")
        return self.send_content(bot_id, kind="text", chat_id=chat_id, text=text, **extra)

    def send_content(
        self,
        bot_id: int,
        *,
        kind: str,
        chat_id: int = 1001,
        data: bytes | None = None,
        size: int | None = None,
        file_name: str | None = None,
        mime_type: str | None = None,
        details: dict[str, Any] | None = None,
        **extra: Any,
    ) -> Update:
        """Let a user send a message of any kind; getFile then finds its file.

        Args:
            bot_id: The bot.
            kind: One of `contents.KINDS`: "photo", "voice", "contact", ...; "other" is a message
                with nothing but `extra`, such as one that nobody knows yet.
            chat_id: See `send_message`.
            data: The bytes of a file.
            size: The size of a file in bytes, in place of `data`: a file that takes no memory.
            file_name: Taken as it is; None leaves it out.
            mime_type: Taken as it is; None takes that of the file's name or kind.
            details: Fields of the content's object: the duration of a video, the options of a
                poll, the latitude of a location, ...
            extra: Who sends it, and more fields of the Message, such as `caption`; see
                `send_message`.

        Raises:
            UnknownBot, UnknownMessage: There is none such.
            InvalidValue: There is no such kind, or it does not have what is told of it; see also
                `send_message`.
        """
        bot = self.bot(bot_id)
        chat = people.enter(bot, chat_id=chat_id, extra=extra)
        given = contents.Given(data, size, file_name, mime_type, details or {})
        return people.write(bot, chat, contents.make(bot, kind, given, extra))

    def send_document(
        self, bot_id: int, *, data: bytes, file_name: str = "document.txt", **extra: Any
    ) -> Update:
        """Let a user send a file; see `send_content`."""
        return self.send_content(bot_id, kind="document", data=data, file_name=file_name, **extra)

    def send_photo(self, bot_id: int, *, data: bytes, **extra: Any) -> Update:
        """Let a user send a photo, which is the last one of its sizes; see `send_content`."""
        return self.send_content(bot_id, kind="photo", data=data, **extra)

    def send_album(
        self, bot_id: int, *, items: list[dict[str, Any]], chat_id: int = 1001, **extra: Any
    ) -> list[Update]:
        """Let a user send an album: several messages with one `media_group_id`.

        Args:
            bot_id: The bot.
            items: For each message `kind`, and what `send_content` takes beside it.
            chat_id: See `send_message`.
            extra: Who sends it, and fields of each of the messages; see `send_message`.

        Returns:
            The updates, in the order of the items.

        Raises:
            InvalidValue: There are not 2 to 10 items, or they do not go together; see also
                `send_content`.
        """
        if not 2 <= len(items) <= MAX_ALBUM:
            raise InvalidValue("items", f"must be 2 to {MAX_ALBUM}")
        kinds = {item.get("kind") for item in items}
        if not kinds <= contents.IN_ALBUMS:
            raise InvalidValue("items", f"must be of {', '.join(sorted(contents.IN_ALBUMS))}")
        if len(kinds) > 1 and not kinds <= {"photo", "video"}:
            raise InvalidValue("items", "must all be of one kind, or photos and videos")
        bot = self.bot(bot_id)
        chat = people.enter(bot, chat_id=chat_id, extra=extra)
        made = [_item(bot, item) for item in items]  # all of them, before the first one is sent
        shared = {"media_group_id": new_group_id(), **extra}
        return [people.write(bot, chat, {**shared, **content}) for content in made]

    def send_update(self, bot_id: int, *, kind: str, content: Any) -> Update:
        """Queue an update of any type, also of one that nobody knows yet.

        A type that the Bot API has is queued only if the bot takes it; an unknown one always.

        Raises:
            InvalidValue: The type has no name, or that of another field.
        """
        if not kind or kind == "update_id":
            raise InvalidValue("kind", "must be the name of a type of updates")
        return self.bot(bot_id).updates.push(kind, content)

    def press_start(
        self, bot_id: int, *, payload: str = "", chat_id: int = 1001, **extra: Any
    ) -> Update:
        """Let a user press Start, after a deep link with a payload; one who blocked it unblocks it.

        Raises:
            InvalidValue: The chat is not private, or the payload is not of 64 characters at most
                out of A-Z, a-z, 0-9, _ and -; see also `send_message`.
        """
        if chat_id < 0:
            raise InvalidValue("chat_id", "must name a private chat")
        if not _PAYLOAD.fullmatch(payload):
            raise InvalidValue("payload", "must be up to 64 of A-Z, a-z, 0-9, _ and -")
        if chat_id in self.bot(bot_id).chats:
            people.set_blocked(self.bot(bot_id), chat_id, False)
        return self.send_message(bot_id, text=f"/start {payload}".strip(), chat_id=chat_id, **extra)

    def edit_message(self, bot_id: int, *, chat_id: int, message_id: int, **fields: Any) -> Update:
        """Let a user edit a message: `text`, `caption`, their entities, or other fields of it.

        See `people.edit` for what is raised.
        """
        bot = self.bot(bot_id)
        return people.edit(bot, chat_id=chat_id, message_id=message_id, fields=fields)

    def react(
        self,
        bot_id: int,
        *,
        chat_id: int,
        message_id: int,
        reaction: list[str | dict[str, Any]],
        **extra: Any,
    ) -> Update:
        """Let a user change their reactions on a message.

        Args:
            bot_id: The bot; it gets `message_reaction` only if its `allowed_updates` name it.
            chat_id: The chat.
            message_id: The message.
            reaction: All that the user has then, emoji or ReactionType objects; none takes them
                back.
            extra: Who it is; see `send_message`.

        Raises:
            UnknownBot, UnknownChat, UnknownMessage: There is none such.
        """
        bot = self.bot(bot_id)
        people.find(bot.chat(chat_id), message_id)
        chat = people.enter(bot, chat_id=chat_id, extra=extra)
        return people.react(bot, chat, message_id=message_id, reaction=reaction)

    def press_button(self, bot_id: int, *, chat_id: int, message_id: int, data: str) -> Update:
        """Let a user press an inline button; see `people.press` for what is raised."""
        return people.press(self.bot(bot_id), chat_id=chat_id, message_id=message_id, data=data)

    def tap_button(
        self, bot_id: int, *, text: str, chat_id: int = 1001, older: int = 0, **extra: Any
    ) -> Update:
        """Let a user tap the button that shows a text; see `taps.tap` for the rest."""
        return taps.tap(self.bot(bot_id), chat_id=chat_id, text=text, older=older, extra=extra)

    def age_message(self, bot_id: int, *, chat_id: int, message_id: int, seconds: int) -> None:
        """Make a message older by so many seconds; see `people.age` for what is raised."""
        bot = self.bot(bot_id)
        people.age(bot, chat_id=chat_id, message_id=message_id, seconds=seconds)

    def block(self, bot_id: int, chat_id: int) -> Update | None:
        """Let a user block the bot, or a group remove it: 403 from now on.

        Returns:
            The update `my_chat_member`, None when nothing changed.

        Raises:
            UnknownBot, UnknownChat: There is none such.
        """
        return people.set_blocked(self.bot(bot_id), chat_id, True)

    def unblock(self, bot_id: int, chat_id: int) -> Update | None:
        """Let a user unblock the bot, or a group take it in again; see `block`."""
        return people.set_blocked(self.bot(bot_id), chat_id, False)


def _item(bot: SandboxBot, item: dict[str, Any]) -> dict[str, Any]:
    names = {one.name for one in dataclasses.fields(contents.Given)}
    told = {name: value for name, value in item.items() if name in names}
    extra = {name: value for name, value in item.items() if name not in {*names, "kind"}}
    return contents.make(bot, item["kind"], contents.Given(**told), extra)
