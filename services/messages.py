"""Messages that people send through a bot: write, show, edit, delete."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import orjson

from dialogs.messages import Call, UsedUpload, parse, render, uploads_of
from dialogs.messages.editing import edit_calls
from models.accounts.audit import Actor
from models.accounts.sessions import authorized
from models.bots.records import BotRecord
from models.engine.base import now
from models.engine.database import Database
from models.errors import StorageUnavailable
from models.messaging import outgoing
from models.messaging.effects import OutgoingMessage
from models.messaging.idempotency import RequestKey
from models.messaging.message_rows import MessageRow
from models.messaging.messages import Lane, MessageState
from models.messaging.outgoing import Content, Written
from runner.errors import TelegramRefused
from runner.live.events import EventKind, MessageNews
from runner.runner import Runner
from runner.sending import actions
from runner.sending.calls import outgoing_messages
from services.errors import (
    MessageNotEditable,
    MessageNotFound,
    NothingToSend,
    UploadsUnusable,
)
from services.uploads import upload_problems

T = TypeVar("T")

LIFETIME = timedelta(hours=1)  # that a message may wait, for example for a bot that is off
MAX_QUICK = 1000  # characters of a text that are always parsed within milliseconds
DELETABLE = timedelta(hours=48)  # https://core.telegram.org/bots/api#deletemessage


class MessageService:
    """Writes, shows, edits and deletes messages.

    Args:
        db: the database.
        runner: sends the messages.
    """

    def __init__(self, *, db: Database, runner: Runner) -> None:
        self._db = db
        self._runner = runner

    async def write(
        self, bot: BotRecord, chat_id: int, document: Any, *, key: str | None, by: Actor
    ) -> Written:
        """Queue a message; it is sent as soon as the bot runs and Telegram's limits allow it.

        Args:
            document: the message in the format of `dialogs.messages`.
            key: the idempotency key of the request; None for none.

        Raises:
            InvalidMessage: the document is no message.
            NothingToSend: it has no visible content.
            UploadsUnusable: an uploaded file cannot be sent.
            ChatUnknown, KeyReused, OutboxFull: as for `models.messaging.outgoing.queue`.
        """

        def prepare() -> tuple[list[OutgoingMessage], list[UsedUpload]]:
            message = parse(document)
            return outgoing_messages(chat_id, message), uploads_of(message)

        messages, uploads = await _off_loop(document, prepare)
        if not messages:
            raise NothingToSend
        await self._check_uploads(bot, uploads)
        try:
            written = await self._db.write(
                authorized,
                by,
                outgoing.queue,
                bot,
                chat_id,
                messages,
                lifetime=LIFETIME,
                key=_key(key, chat_id, document, by),
                ring=self._runner.manager.run(bot.id) is None,
            )
        except StorageUnavailable:
            if (run := self._runner.manager.run(bot.id)) is not None:
                run.outbox.doubt(Lane.OPERATOR)  # they may be stored all the same
            raise
        if (run := self._runner.manager.run(bot.id)) is not None:
            run.outbox.put(written.calls)
        if not written.is_repeated:
            for row in written.rows:
                self._runner.events.publish(bot.user_id, EventKind.MESSAGE, bot.id, row)
            self._publish(bot, written.rows)
        return written

    async def find(self, bot: BotRecord, message_id: int) -> MessageRow:
        """Find a message of a bot.

        Raises:
            MessageNotFound: the bot has no such message.
        """
        row = await self._db.read(outgoing.find, bot.id, message_id)
        if row is None:
            raise MessageNotFound(bot.id, message_id)
        return row

    async def edit(
        self, bot: BotRecord, message_id: int, document: Any, *, by: Actor
    ) -> list[MessageRow]:
        """Replace a message, with those that were written together with it; also at Telegram.

        Args:
            document: the new message.

        Raises:
            InvalidMessage: the document is no message.
            UploadsUnusable: an uploaded file cannot be sent.
            MessageNotFound: the bot has no such message.
            MessageNotEditable: it is being sent or was not sent.
            NotEditable: it cannot become the new one.
            BotIsOff: it was sent, and the bot does not run.
            TelegramRefused: Telegram does not change it.
            MessageChanged: it was sent or deleted in the meantime.
        """

        def prepare() -> tuple[list[Call], list[UsedUpload]]:
            message = parse(document)
            return render(message), uploads_of(message)

        new, uploads = await _off_loop(document, prepare)
        await self._check_uploads(bot, uploads)
        rows = await self._together(bot, message_id)
        for row in rows:
            _check_ours(row)
            if row.state not in (MessageState.QUEUED, MessageState.SENT):
                raise MessageNotEditable("It was not sent; write a new one.")
        firsts = [row for row in rows if row.method]
        edits = edit_calls([_call(row, rows) for row in firsts], new)
        for row, call in zip(firsts, edits, strict=True):
            if call is not None and row.telegram_id is not None:
                parameters = {"message_id": row.telegram_id, **call.parameters}
                await self._call(bot, row, call.method, parameters, counts=True)
        bodies = iter([_content(rows[0].chat_id, call) for call in new])
        contents = [next(bodies) if row.method else Content("", b"", None) for row in rows]
        edited = await self._db.write(authorized, by, outgoing.edit, bot, rows, contents)
        self._publish(bot, edited)
        return edited

    async def delete(self, bot: BotRecord, message_id: int, *, by: Actor) -> None:
        """Delete a message, with those that were written together with it; also at Telegram.

        Raises:
            MessageNotFound: the bot has no such message.
            MessageNotEditable: it is being sent, or is too old to be deleted.
            BotIsOff: it was sent, and the bot does not run.
            TelegramRefused: Telegram does not delete it.
            MessageChanged: it was sent in the meantime.
        """
        rows = await self._together(bot, message_id)
        for row in rows:
            _check_ours(row)
            if row.done_at is not None and now() - row.done_at > DELETABLE and row.telegram_id:
                raise MessageNotEditable(
                    "Telegram deletes messages within 48 hours after they were sent."
                )
        for row in rows:
            if row.telegram_id is not None:
                await self._delete_at_telegram(bot, row)
        await self._db.write(authorized, by, outgoing.delete, bot, rows)

    async def _delete_at_telegram(self, bot: BotRecord, row: MessageRow) -> None:
        parameters = {"message_id": row.telegram_id}
        try:
            await self._call(bot, row, "deleteMessage", parameters, counts=False)
        except TelegramRefused as error:
            if "message to delete not found" not in error.text:
                raise

    async def _call(
        self,
        bot: BotRecord,
        row: MessageRow,
        method: str,
        parameters: dict[str, Any],
        *,
        counts: bool,
    ) -> None:
        run = self._runner.manager.run(bot.id)
        if run is not None:
            await actions.call(run.sending, row.chat_id, method, parameters, counts=counts)
        else:
            await self._runner.calls.ask(bot, row.chat_id, method, parameters, counts=counts)

    async def _check_uploads(self, bot: BotRecord, uploads: list[UsedUpload]) -> None:
        if problems := await upload_problems(self._db, bot, uploads):
            raise UploadsUnusable(problems)

    def _publish(self, bot: BotRecord, rows: list[MessageRow]) -> None:
        for row in rows:
            news = MessageNews(row.id, row.chat_id, row.state, row.telegram_id)
            self._runner.events.publish(bot.user_id, EventKind.MESSAGE_STATE, bot.id, news)

    async def _together(self, bot: BotRecord, message_id: int) -> list[MessageRow]:
        row = await self.find(bot, message_id)
        return await self._db.read(outgoing.written_together, bot.id, row)


def _check_ours(row: MessageRow) -> None:
    """Check that a message may be changed.

    Raises:
        MessageNotEditable: a person has sent it, or it is being sent.
    """
    if row.state is MessageState.RECEIVED:
        raise MessageNotEditable("A person has sent it; only they can change it.")
    if row.state is MessageState.SENDING:
        raise MessageNotEditable("It is being sent; try again in a moment.")


async def _off_loop(document: Any, fn: Callable[[], T]) -> T:
    """Run a function beside the event loop if the document is large: it may take a second."""
    text = document.get("text") if isinstance(document, dict) else None
    is_small = not isinstance(text, str) or len(text) <= MAX_QUICK
    return fn() if is_small else await asyncio.to_thread(fn)


def _call(row: MessageRow, rows: list[MessageRow]) -> Call:
    """Return the call that sends a row, or has sent it."""
    parameters = orjson.loads(row.parameters)
    del parameters["chat_id"]
    size = 1
    for other in rows[rows.index(row) + 1 :]:
        if other.method:
            break
        size += 1
    return Call(row.method, parameters, size)


def _content(chat_id: int, call: Call) -> Content:
    return Content(call.method, orjson.dumps({"chat_id": chat_id, **call.parameters}), call.text)


def _key(key: str | None, chat_id: int, document: Any, by: Actor) -> RequestKey | None:
    if key is None or by.user_id is None:
        return None
    asked = orjson.dumps([chat_id, document], option=orjson.OPT_SORT_KEYS)
    return RequestKey(by.user_id, key, hashlib.sha256(asked).hexdigest())
