"""HTTP control of what people do: write, send, edit, press, react, block."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any

from sandbox.control_base import MAX_WAIT, BotHandler, Json, Types, WaitingHandler, checked
from sandbox.errors import InvalidValue
from sandbox.updates import Update

# Who does something, and fields of a Message that the sandbox itself looks at.
WHO: dict[str, Types] = {
    "user_id_": int,
    "first_name_": str,
    "last_name_": str,
    "username_": str,
    "language_code_": str,
    "is_premium_": bool,
    "from_": dict,
}
MESSAGE: dict[str, Types] = {
    **WHO,
    "chat_id_": int,
    "chat_": dict,
    "text_": str,
    "caption_": str,
    "message_thread_id_": int,
    "reply_to_message_id_": int,
}
FILE: dict[str, Types] = {
    "base64_": str,
    "size_": int,
    "file_name_": str,
    "mime_type_": str,
    "details_": dict,
}


def read_content(values: Any, what: str, **types: Types) -> Json:
    """Read a content with its file as `Sandbox.send_content` takes it.

    Args:
        values: The JSON object.
        what: What it is, for the error.
        types: The fields that must be there.

    Raises:
        InvalidValue: It is no object, or a field is missing or of another type.
    """
    optional = {name: kind for name, kind in (MESSAGE | FILE).items() if name[:-1] not in types}
    fields = checked(values, what, **types, **optional)
    if "kind" in fields and "kind" not in types:
        raise InvalidValue("kind", "is not known here")
    fields = {name: value for name, value in fields.items() if value is not None}
    if "base64" in fields:
        fields["data"] = decode(fields.pop("base64"))
    return fields


def decode(text: str) -> bytes:
    """Decode the `base64` field.

    Raises:
        InvalidValue: It is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidValue("base64", "must be base64") from None


class Messages(BotHandler):
    """/control/bots/{id}/messages"""

    def post(self, name: str) -> None:
        """Let a user write: {text, chat_id?, user_id?, first_name?, more fields of a Message}."""
        fields = read_content(self.body(), "body", text=str)
        self.answer(self.sandbox.send_message(self.bot.id, **fields), status=201)


class Documents(BotHandler):
    """/control/bots/{id}/documents"""

    def post(self, name: str) -> None:
        """Let a user send a file: {base64, file_name?, chat_id?, caption?, ...}."""
        fields = read_content(self.body(), "body", base64=str)
        self.answer(self.sandbox.send_document(self.bot.id, **fields), status=201)


class Photos(BotHandler):
    """/control/bots/{id}/photos"""

    def post(self, name: str) -> None:
        """Let a user send a photo: {base64, chat_id?, caption?, ...}."""
        fields = read_content(self.body(), "body", base64=str)
        self.answer(self.sandbox.send_photo(self.bot.id, **fields), status=201)


class Contents(BotHandler):
    """/control/bots/{id}/contents"""

    def post(self, name: str) -> None:
        """Let a user send anything: {kind, base64? or size?, file_name?, details?, ...}."""
        fields = read_content(self.body(), "body", kind=str)
        self.answer(self.sandbox.send_content(self.bot.id, **fields), status=201)


class Albums(BotHandler):
    """/control/bots/{id}/albums"""

    def post(self, name: str) -> None:
        """Let a user send an album: {items: [{kind, caption?, ...}, ...], chat_id?, ...}."""
        fields = self.body(items=list, **MESSAGE)
        fields["items"] = [read_content(one, "items", kind=str) for one in fields["items"]]
        fields = {name: value for name, value in fields.items() if value is not None}
        self.answer(self.sandbox.send_album(self.bot.id, **fields), status=201)


class Starts(BotHandler):
    """/control/bots/{id}/starts"""

    def post(self, name: str) -> None:
        """Let a user press Start, after a deep link with a payload: {payload?, chat_id?, ...}."""
        fields = self.only(payload_=str, chat_id_=int, **WHO)
        fields = {name: value for name, value in fields.items() if value is not None}
        self.answer(self.sandbox.press_start(self.bot.id, **fields), status=201)


class Edits(BotHandler):
    """/control/bots/{id}/edits"""

    def post(self, name: str) -> None:
        """Let a user edit a message: {chat_id, message_id, text? or caption?, more fields?}."""
        fields = self.body(chat_id=int, message_id=int, text_=str, caption_=str)
        fields = {name: value for name, value in fields.items() if value is not None}
        self.answer(self.sandbox.edit_message(self.bot.id, **fields), status=201)


class Reactions(BotHandler):
    """/control/bots/{id}/reactions"""

    def post(self, name: str) -> None:
        """Let a user react to a message: {chat_id, message_id, reaction: ["👍"], user_id?, ...}."""
        fields = self.only(chat_id=int, message_id=int, reaction=list, **WHO)
        self.answer(self.sandbox.react(self.bot.id, **fields), status=201)


class Age(BotHandler):
    """/control/bots/{id}/age"""

    def post(self, name: str) -> None:
        """Make a message older: {chat_id, message_id, seconds}."""
        fields = self.only(chat_id=int, message_id=int, seconds=int)
        self.sandbox.age_message(self.bot.id, **fields)
        self.answer(fields)


class Buttons(BotHandler):
    """/control/bots/{id}/buttons"""

    def post(self, name: str) -> None:
        """Let a user press a button: {chat_id, message_id, data}."""
        fields = self.only(chat_id=int, message_id=int, data=str)
        self.answer(self.sandbox.press_button(self.bot.id, **fields), status=201)


class Taps(WaitingHandler):
    """/control/bots/{id}/taps"""

    async def post(self, name: str) -> None:
        """Let a user tap a button by its text: {text, chat_id?, older?, ...}; ?wait=SECONDS."""
        fields = self.only(text=str, chat_id_=int, older_=int, **WHO)
        wait = min(self.number("wait"), MAX_WAIT)
        fields = {name: value for name, value in fields.items() if value is not None}
        self.answer(await self.patiently(self._tap(fields, wait)), status=201)

    async def _tap(self, fields: Json, seconds: float) -> Json:
        """Tap the button as soon as it is there, and wait for the answer."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        update = None
        while update is None:
            after = self.bot.journal.last_sent
            try:
                update = self.sandbox.tap_button(self.bot.id, **fields)
            except InvalidValue:
                if not await self._sends(after, deadline - loop.time()):
                    raise
        query_id = update.get("callback_query", {}).get("id", "")  # a key has none: it sends
        query = self.bot.queries.get(query_id)
        answer = await query.answered(deadline - loop.time()) if query else None
        return {"update": update, "answer": answer}

    async def _sends(self, after: int, seconds: float) -> bool:
        """Wait until the bot sends something; False if it does not in time."""
        try:
            await self.sandbox.wait_sent(self.bot.id, after=after, timeout=seconds)
        except TimeoutError:
            return False
        return True


class Blocked(BotHandler):
    """/control/bots/{id}/blocked"""

    def post(self, name: str) -> None:
        """Let a user block the bot, a group remove it, or take that back: {chat_id, blocked}."""
        fields = self.only(chat_id=int, blocked=bool)
        change = self.sandbox.block if fields["blocked"] else self.sandbox.unblock
        update: Update | None = change(self.bot.id, fields["chat_id"])
        self.answer({**fields, "update": update})


class Updates(BotHandler):
    """/control/bots/{id}/updates"""

    def post(self, name: str) -> None:
        """Queue an update of any type, also of an unknown one: {kind, content}."""
        fields = self.only(kind=str, content=object)
        self.answer(self.sandbox.send_update(self.bot.id, **fields), status=201)
