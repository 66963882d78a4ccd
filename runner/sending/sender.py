"""Sends one message of a bot, however often that has to be tried."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any

from telegram.error import RetryAfter, TelegramError

from models.bots.records import Writer
from models.messaging.marks import Result
from models.messaging.messages import Lane, MessageState, SendReason, StoredMessage
from models.redaction import foreign
from runner.sending.files import FileCalls, Sent, names_uploads
from runner.sending.in_flight import InFlight
from runner.sending.outcomes import Fate, fate_of
from runner.sending.rate_limit import Pacer, seconds_of
from runner.sending.store import MessageStore
from runner.settings import RunnerTuning
from runner.stop_signal import StopSignal
from runner.telegram.client import BotClient
from runner.telegram.connection_errors import NotSent

log = logging.getLogger("botyard.runner")

MAX_DETAIL = 300  # characters of Telegram's words that are kept
TYPING_SHOWN = 5  # seconds: https://core.telegram.org/bots/api#sendchataction
RESENDS = 1  # how often a bot's own message is sent once more when a reply is lost


@dataclass(frozen=True, slots=True)
class SenderContext:
    """The objects that a bot's messages share.

    Args:
        writer: the bot.
        client: what it sends with.
        pacer: gives out its turns.
        store: stores what came of a message.
        settings: times and limits.
        stop: set when the bot is being stopped.
        blocked: the chats that are stored, or about to be, as refusing the bot's messages.
        is_running: returns True while Telegram serves the bot.
        publish: tells the bot's owner what became of a message, once that is on the disk.
        files: makes the calls that send uploaded files.
    """

    writer: Writer
    client: BotClient
    pacer: Pacer
    store: MessageStore
    settings: RunnerTuning
    stop: StopSignal
    blocked: set[int]
    is_running: Callable[[], bool]
    publish: Callable[[StoredMessage, Result], None]
    files: FileCalls


class _Stage(Enum):
    """How far an attempt to send a message is."""

    WAITING = auto()
    CLAIMED = auto()  # a person's message is stored as being sent, or about to be
    CALLED = auto()


@dataclass(slots=True)
class _Tries:
    """What has happened to a message so far."""

    stage: _Stage = _Stage.WAITING
    lost: int = 0
    failed: int = 0  # while Telegram served the bot
    waits: int = 0


class Sender:
    """Sends messages of one bot and has stored what came of each.

    Args:
        context: the objects that a bot's messages share.

    Attributes:
        calling: the tasks that wait for an answer of Telegram.
    """

    def __init__(self, context: SenderContext) -> None:
        self._context = context
        self._in_flight = InFlight(context.store.flush_now)
        self.calling: set[asyncio.Task[None] | None] = set()

    async def deliver(self, message: StoredMessage) -> asyncio.Future[None] | None:
        """Send a message, and return when its outcome is on its way to the disk.

        Returns:
            A future that is done when it is on the disk; None if there is nothing to store.

        Raises:
            Stopped: the bot is being stopped; the message is sent when it runs again.
        """
        context, tries = self._context, _Tries()
        if message.typing:
            await self._show_typing(message)
        while True:
            await context.pacer.acquire(message.chat_id, message.lane, messages=len(message.ids))
            await self._in_flight.hold(message.chat_id)
            result = stored = None
            try:
                next_try, result = await self._attempt(message, tries)
            except asyncio.CancelledError:
                result = self._interrupted(message, tries)
                raise
            finally:
                if result is not None:
                    stored = context.store.result(result)
                    stored.add_done_callback(partial(self._stored, message, result))
                self._in_flight.release(message.chat_id, stored)
            if next_try is None:
                return stored
            await context.stop.sleep(next_try)

    async def _show_typing(self, message: StoredMessage) -> None:
        """Show for a time that the bot is typing; nothing depends on whether that succeeds."""
        parameters = {"chat_id": message.chat_id, "action": "typing"}
        for left in range(message.typing, 0, -TYPING_SHOWN):
            with suppress(TelegramError):
                await self._context.client.call("sendChatAction", parameters)
            await self._context.stop.sleep(min(TYPING_SHOWN, left))

    async def _attempt(
        self, message: StoredMessage, tries: _Tries
    ) -> tuple[float | None, Result | None]:
        """Make one attempt to send a message.

        Returns:
            The seconds until the next attempt, None if there is to be none; and what is to be
            stored, None for nothing.
        """
        self._context.stop.check()
        if not names_uploads(message.parameters):
            return await self._send(message, tries)
        # before the message is claimed: one that waits here has certainly not been sent
        try:
            async with self._context.files.room(message.parameters) as has_room:
                self._context.stop.check()
                return await self._send(message, tries, has_room=has_room)
        except NotSent as error:  # the database does not tell what is to be sent
            return self._after(error, message, tries)

    async def _send(
        self, message: StoredMessage, tries: _Tries, *, has_room: bool = False
    ) -> tuple[float | None, Result | None]:
        """Claim and send a message; returns as `_attempt`."""
        if message.lane is not Lane.DIALOG:
            tries.stage = _Stage.CLAIMED
            claimed = await self._context.store.claim(self._context.writer, message)
            if claimed is None:
                return None, None
            message.method, message.parameters = claimed
        tries.stage = _Stage.CALLED
        try:
            sent = await self._call(message, has_room=has_room)
        except TelegramError as error:
            return self._after(error, message, tries)
        return None, self._sent(message, sent)

    async def _call(self, message: StoredMessage, *, has_room: bool) -> Sent:
        task, (method, parameters) = asyncio.current_task(), (message.method, message.parameters)
        self.calling.add(task)
        try:
            if names_uploads(parameters):
                return await self._context.files.call(method, parameters, has_room=has_room)
            return Sent(await self._context.client.call_encoded(method, parameters))
        finally:
            self.calling.discard(task)

    def _after(
        self, error: TelegramError, message: StoredMessage, tries: _Tries
    ) -> tuple[float | None, Result | None]:
        """Decide what follows from a failed call; returns as `_attempt`."""
        context, fate, delay = self._context, fate_of(error), 0.0
        log.info(
            "bot %d: message %d: %s: %s",
            context.writer.bot_id,
            message.ids[0],
            fate.name.lower(),
            error.message,
        )
        if fate is Fate.BLOCKED:
            # before it is stored: a message of the chat that comes meanwhile takes it back
            context.blocked.add(message.chat_id)
        if fate is Fate.BLOCKED or fate is Fate.REJECTED:
            reason = SendReason.BLOCKED if fate is Fate.BLOCKED else SendReason.REJECTED
            return None, self._result(message, MessageState.FAILED, reason, error)
        if fate is Fate.LOST:
            tries.lost += 1
            if message.lane is not Lane.DIALOG or tries.lost > RESENDS:
                return None, self._result(message, MessageState.UNKNOWN, SendReason.NO_REPLY, error)
        if fate is Fate.UNAVAILABLE:
            tries.failed += context.is_running()  # an outage is not the message's fault
            if tries.failed > context.settings.transient_failures:
                return None, self._result(
                    message, MessageState.FAILED, SendReason.UNREACHABLE, error
                )
        if isinstance(error, RetryAfter):
            context.pacer.pause(message.chat_id, message.lane, seconds_of(error))
        else:
            tries.waits += 1
            delay = context.settings.backoff(tries.waits)
        return delay, self._give_back(message, tries)

    def _give_back(self, message: StoredMessage, tries: _Tries) -> Result | None:
        """Return a person's message to the queue: it was not sent."""
        tries.stage = _Stage.WAITING
        return None if message.lane is Lane.DIALOG else self._result(message, MessageState.QUEUED)

    def _interrupted(self, message: StoredMessage, tries: _Tries) -> Result | None:
        """Say what is to be stored of a message when the bot is stopped."""
        if message.lane is Lane.DIALOG or tries.stage is _Stage.WAITING:
            return None  # it stays as it is, and is sent when the bot runs again
        if tries.stage is _Stage.CLAIMED:
            return self._result(message, MessageState.QUEUED)
        return self._result(message, MessageState.UNKNOWN, SendReason.INTERRUPTED)

    def _sent(self, message: StoredMessage, sent: Sent) -> Result:
        answers = sent.answer if isinstance(sent.answer, list) else [sent.answer]
        numbers = [_message_id(one) for one in answers] + [None] * len(message.ids)
        rows = list(zip(message.ids, numbers, strict=False))
        return Result(self._context.writer, rows, MessageState.SENT, file_ids=sent.file_ids)

    def _result(
        self,
        message: StoredMessage,
        state: MessageState,
        reason: SendReason | None = None,
        error: TelegramError | None = None,
    ) -> Result:
        return Result(
            self._context.writer,
            [(number, None) for number in message.ids],
            state,
            reason,
            foreign(error.message, limit=MAX_DETAIL) if error else None,
            message.chat_id if reason is SendReason.BLOCKED else None,
        )

    def _stored(self, message: StoredMessage, result: Result, stored: asyncio.Future[None]) -> None:
        if not stored.cancelled() and not stored.exception():
            self._context.publish(message, result)

    async def close(self) -> None:
        """Wait until what came of the last messages is on the disk."""
        await self._in_flight.wait_flushed(timeout=self._context.settings.cut_wait)


def _message_id(answer: Any) -> int | None:
    """Return the id of a sent message; None if Telegram's answer has none that can be stored."""
    number = answer.get("message_id") if isinstance(answer, dict) else None
    return number if type(number) is int and 0 < number < 2**63 else None
