"""Brings updates to their end: from the journal through the Application to "handled" or "dead"."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar, cast

from telegram import Update
from telegram.error import (
    BadRequest,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
)

from models.errors import StorageError
from models.messaging.dead_updates import MARGIN
from models.redaction import foreign, keep_secret
from runner.loop_pacer import LoopPacer
from runner.settings import RunnerTuning
from runner.telegram.application import BotApplication
from runner.updates.chat_queues import ChatQueues
from runner.updates.incoming import MAX_FLAW, IncomingUpdate, JSONObject, flaw_of
from runner.updates.journal import Journal
from runner.updates.notices import Notices

T = TypeVar("T")

log = logging.getLogger("botyard.runner")

MAX_ERROR = 500  # characters of an error that are kept


class _Ended(Exception):
    """The bot is being stopped: the update stays as it is in the journal."""


class _NotUnderstood(Exception):
    """An update is not what the Bot API describes: trying again cannot help."""


class UpdateProcessor:
    """The updates of one bot while it runs.

    Args:
        bot_id: whose they are.
        application: handles them.
        journal: remembers them.
        loop_pacer: bounds how many handlers begin in one turn of the loop.
        settings: times and bounds.
        is_running: whether Telegram serves the bot, so that trouble is an update's own.
        on_crash: called when a task ended that should not have; with why.
    """

    def __init__(
        self,
        bot_id: int,
        application: BotApplication,
        *,
        journal: Journal,
        loop_pacer: LoopPacer,
        settings: RunnerTuning,
        is_running: Callable[[], bool],
        on_crash: Callable[[BaseException | None], None],
    ) -> None:
        self._bot_id = bot_id
        self._application = application
        self._journal = journal
        self._loop_pacer = loop_pacer
        self._is_running = is_running
        self._loaded_to: int | None = None
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.chats_parallel)
        self._closing = asyncio.Event()
        self._blocked: set[int] = set()
        self._unflushed: dict[Hashable, asyncio.Future[None]] = {}  # on their way to the disk
        self._ids: set[int] = set()  # what is queued: an update may come from two sides
        self._open = asyncio.Event()
        self._notices = Notices(bot_id)
        self._buried = 0
        self._queues = ChatQueues(
            self._process,
            name=f"bot {bot_id}",
            max_pending=settings.max_pending,
            on_crash=on_crash,
        )

    @property
    def pending(self) -> int:
        """How many updates wait in memory."""
        return self._queues.pending

    async def load_backlog(self, blocked_chats: frozenset[int]) -> None:
        """Take up what was stored and not handled, before anything new."""
        self._blocked = set(blocked_chats)
        self._open.set()
        limit = self._settings.max_pending
        while True:
            await self._queues.room()
            page = await self._journal.waiting(self._bot_id, after=self._loaded_to, limit=limit)
            self._queue(page)
            if len(page) < limit:
                return
            self._loaded_to = page[-1].update_id

    async def accept(self, batch: list[JSONObject], *, offset: int) -> int:
        """Store a batch, then queue it; waits first while too many updates wait already.

        Returns:
            How many of it were not stored before.

        Raises:
            StorageUnavailable: nothing of it is stored, so it must not be confirmed.
        """
        await self._queues.room()
        new = await self._journal.store(self._bot_id, batch, offset=offset)
        self._queue(new)
        return len(new)

    def discard(self, number: int) -> None:
        """Count and log updates that were let go."""
        self._journal.counts.discarded += number
        log.warning(
            "bot %d: %d updates without a usable update_id were let go", self._bot_id, number
        )

    def enqueue(self, update: IncomingUpdate) -> None:
        """Queue an update that is in the journal already."""
        self._queue([update])

    def _queue(self, updates: list[IncomingUpdate]) -> None:
        new = [update for update in updates if update.update_id not in self._ids]
        self._ids.update(update.update_id for update in new)
        self._queues.put(new)

    async def close(self) -> None:
        """End: handlers still running may finish for a moment; the rest stays in the journal."""
        self._closing.set()
        settings = self._settings
        await self._queues.close(grace=settings.send_grace, cut_wait=settings.cut_wait)
        if self._unflushed:
            self._journal.flush_now()
            await asyncio.wait(set(self._unflushed.values()), timeout=settings.cut_wait)
        await self._journal.wait_stored(self._bot_id)
        self._notices.close()

    async def _process(self, update: IncomingUpdate) -> None:
        """Bring one update to its end, however often that has to be tried."""
        keep_secret(self._application.bot.token)  # who began the lane may be somebody's request
        await self._open.wait()
        try:
            await self._wait_flushed(update.chat_key)
            if await self._run_until_done(update):
                self._mark_handled(update.chat_key, update.update_id)
            else:
                self._ids.discard(update.update_id)
        except _Ended:
            return  # the journal has it

    async def _wait_flushed(self, chat: Hashable) -> None:
        """Wait until a chat's last update is marked: a kill repeats one of a chat at most."""
        mark = self._unflushed.get(chat)
        if mark is not None:
            self._journal.flush_now()
            await asyncio.wait({mark})

    def _mark_handled(self, chat: Hashable, update_id: int) -> None:
        mark = self._unflushed[chat] = self._journal.handled(self._bot_id, update_id)

        def done(_: object) -> None:
            self._unflushed.pop(chat, None)
            self._ids.discard(update_id)

        mark.add_done_callback(done)

    async def _run_until_done(self, update: IncomingUpdate) -> bool:
        """Handle an update, and again while it fails; False when it is dead."""
        transient = tries = 0
        while True:
            error = await self._attempt(update)
            if error is None:
                return True
            if isinstance(error, RetryAfter):
                delay = cast(timedelta, error.retry_after).total_seconds()
            elif _is_transient(error) and transient < self._settings.transient_failures:
                transient += self._is_running()  # an outage is not the update's fault
                tries += 1
                delay = self._settings.backoff(tries)
            elif await self._record_failure(update, error):
                return False
            else:
                delay = self._settings.backoff(update.attempts)
            error = None  # it holds much, and the rest may be long
            await self._sleep(delay)

    async def _attempt(self, update: IncomingUpdate) -> Exception | None:
        """Handle an update once; what went wrong."""
        try:
            await self._dispatch(update)
        except _Ended:
            raise
        except Exception as error:
            return error
        return None

    async def _dispatch(self, update: IncomingUpdate) -> None:
        await self._loop_pacer.wait()
        parsed = self._parse(update)
        await self._track_membership(update)
        async with self._slots:
            if self._closing.is_set():
                raise _Ended
            try:
                await self._application.process_update(parsed)
            except Forbidden as error:
                if update.chat_id is None:
                    raise
                log.info("bot %d: chat %d: %s", self._bot_id, update.chat_id, error.message)
                await self._set_blocked(update.chat_id, blocked=True)

    def _parse(self, update: IncomingUpdate) -> Update:
        flaw = flaw_of(update.raw)
        if flaw is not None:
            raise _NotUnderstood(flaw)
        try:
            return Update.de_json(update.raw, self._application.bot)
        except Exception as error:  # the library's parser raises whatever it trips over
            raise _NotUnderstood(f"{type(error).__name__}: {error}") from error

    async def _track_membership(self, update: IncomingUpdate) -> None:
        """Track chats that blocked the bot; a new message unblocks one."""
        if update.chat_id is None:
            return
        if update.membership is not None:
            await self._set_blocked(update.chat_id, blocked=update.membership in ("kicked", "left"))
        elif update.kind == "message":
            await self._set_blocked(update.chat_id, blocked=False)

    async def _set_blocked(self, chat_id: int, *, blocked: bool) -> None:
        if blocked is (chat_id in self._blocked):
            return
        mark = self._journal.block_chat
        await self._persist(lambda: mark(self._bot_id, chat_id, blocked=blocked))
        (self._blocked.add if blocked else self._blocked.discard)(chat_id)

    async def _record_failure(self, update: IncomingUpdate, error: Exception) -> bool:
        """Record a failed attempt; return True when the update is now dead."""
        update.attempts += 1
        if isinstance(error, _NotUnderstood):
            why = foreign(str(error), limit=MAX_FLAW)
            # It is short, so that there may be a few too many for a moment.
            trim = self._buried % MARGIN == 0
            await self._bury(update, f"This update cannot be understood: {why}", trim=trim)
            return True
        text = self._report(update, error)
        if update.attempts >= self._settings.max_failures:
            await self._bury(update, text, trim=True)
            return True
        note, key = self._journal.save_failure, (self._bot_id, update.update_id)
        await self._persist(lambda: note(*key, attempts=update.attempts, error=text))
        return False

    async def _bury(self, update: IncomingUpdate, text: str, *, trim: bool) -> None:
        """Store that an update failed for good, and why."""
        self._buried += 1
        bury, key, attempts = self._journal.bury, (self._bot_id, update.update_id), update.attempts
        dropped = await self._persist(lambda: bury(*key, attempts=attempts, error=text, trim=trim))
        self._notices.dead(update.update_id, text, dropped=dropped)

    def _report(self, update: IncomingUpdate, error: Exception) -> str:
        """Log a failure of a handler with its traceback; as it is told to the bot's owner."""
        incident = secrets.token_hex(6)
        log.error(
            "bot %d: update %d failed, attempt %d (incident %s)",
            self._bot_id,
            update.update_id,
            update.attempts,
            incident,
            exc_info=error,
        )
        text = foreign(f"{type(error).__name__}: {error}", limit=MAX_ERROR)
        return f"{text} (incident {incident})"

    async def _persist(self, write: Callable[[], Awaitable[T]]) -> T:
        """Write, and wait for a database that does not answer: what was done is not done again."""
        tries = 0
        while True:
            try:
                return await write()
            except StorageError as error:
                tries += 1
                log.warning("bot %d: the journal cannot be written: %s", self._bot_id, error)
                await self._sleep(self._settings.backoff(tries))

    async def _sleep(self, seconds: float) -> None:
        """Wait before the next try; ends at once when the bot is stopped.

        Raises:
            _Ended: it is being stopped.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        if self._closing.is_set():
            raise _Ended


def _is_transient(error: Exception) -> bool:
    """Whether it is Telegram's or the network's trouble rather than this update's."""
    if isinstance(error, BadRequest):  # a subclass of NetworkError in the library
        return False
    return isinstance(error, (NetworkError, InvalidToken))
