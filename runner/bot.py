"""One bot: its state, and the task that keeps it true."""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from telegram.error import Conflict

from models.bots.bots import BotRecord, LastError, VerifiedToken, claimed_telegram_id
from models.engine.base import now
from models.redaction import foreign, keep_secret
from runner.diagnosis import Diagnosis, classify_error
from runner.run import BotRun, RunnerContext, create_run
from runner.states import ALIVE, STABLE, TRANSITIONS, BotState, BotStatus, Reason
from runner.telegram.answers import MAX_TEXT, NotTelegram
from runner.updates.incoming import IncomingUpdate

log = logging.getLogger("botyard.runner")


class ManagedBot:
    """A bot that can be started and stopped any number of times.

    Starting and stopping do not await each other: whoever changes a bot holds the manager's
    lock for it.

    Args:
        record: the bot as it is stored.
        context: what all bots share.
    """

    def __init__(self, record: BotRecord, context: RunnerContext) -> None:
        self.record = record
        self.tried = False
        self._context = context
        self._status = BotStatus(BotState.STOPPED, None, None, now())
        self._stable = asyncio.Event()
        self._stable.set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._bot_run: BotRun | None = None
        self._last_poll_at: datetime | None = None  # of the run before
        self._closing_task: asyncio.Task[None] | None = None
        self._priority = False  # its owner waits: no queueing behind other bots

    @property
    def status(self) -> BotStatus:
        """What is true of the bot now; `dead` is for the database to tell."""
        if self._bot_run is None:
            return replace(
                self._status,
                last_poll_at=self._last_poll_at,
                last_update_at=self.record.last_update_at,
            )
        poller, processor = self._bot_run.poller, self._bot_run.processor
        return replace(
            self._status,
            last_poll_at=poller.last_poll_at,
            last_update_at=poller.last_update_at,
            pending=processor.pending,
        )

    def start(self, *, priority: bool = True, unreachable: str | None = None) -> None:
        """Begin to start, or to retry at once; does nothing when it runs or starts already.

        Args:
            priority: somebody waits for it.
            unreachable: Telegram was just found out of reach, for this cause: wait, then try.
        """
        self._priority = self._priority or priority
        if self._status.state is BotState.RETRYING:
            self._try_again()
            self._wake.set()
        elif self._status.state is BotState.STARTING and priority:
            self._context.start_limiter.promote(self.record.id)
        elif self._status.state in (BotState.STOPPED, BotState.FAILED):
            if unreachable is None:
                self._set_state(BotState.STARTING)
            else:
                self._retry(Diagnosis(Reason.TELEGRAM_UNREACHABLE, unreachable), attempts=1)
            self._spawn()

    async def stop(self) -> None:
        """Stop; wait a moment for handlers still running, and never for Telegram."""
        if self._status.state is BotState.STOPPED:
            return
        if self._status.state is not BotState.STOPPING:
            self._set_state(BotState.STOPPING)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        if self._closing_task is not None:
            await asyncio.wait({self._closing_task})
        self._set_state(BotState.STOPPED)

    async def wait_until_stable(self, timeout: float) -> bool:
        """Wait until the bot is neither starting nor stopping.

        Args:
            timeout: seconds to wait at most.

        Returns:
            Whether it is so.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._stable.wait()
        return self._stable.is_set()

    def enqueue(self, update: IncomingUpdate) -> None:
        """Take up an update that is in the journal; when the bot is off, the next start does."""
        if self._bot_run is not None:
            self._bot_run.processor.enqueue(update)

    # -- the state

    def _set_state(
        self,
        state: BotState,
        reason: Reason | None = None,
        detail: str | None = None,
        *,
        attempts: int = 0,
        delay: float | None = None,
    ) -> None:
        """The one writer of the state."""
        if state not in TRANSITIONS[self._status.state]:
            raise RuntimeError(f"a bot cannot go from {self._status.state} to {state}")
        moment = now()
        due = None if delay is None else moment + timedelta(seconds=delay)
        self._status = BotStatus(state, reason, detail, moment, attempts, due)
        if reason is None or state is BotState.STARTING:
            log.info("bot %d %s", self.record.id, state)
        else:
            log.warning("bot %d %s: %s: %s", self.record.id, state, reason, detail)
        if state in STABLE:
            self._stable.set()
            self.tried = True
            self._priority = False
        else:
            self._stable.clear()
        self._context.changed(self.record, self.status)

    def _retry(self, diagnosis: Diagnosis, *, attempts: int) -> None:
        settings, delay = self._context.settings, diagnosis.delay
        if delay is None:
            jitter = random.uniform(0.75, 1.0)  # noqa: S311 - no secret
            delay = settings.backoff(attempts) * jitter
        delay = max(settings.backoff_min, delay)
        self._set_state(
            BotState.RETRYING, diagnosis.reason, diagnosis.detail, attempts=attempts, delay=delay
        )

    def _try_again(self) -> None:
        """Start once more; the reason stays to be seen until it is known to be over."""
        last = self._status
        self._set_state(BotState.STARTING, last.reason, last.detail, attempts=last.attempts)

    def _react(self, error: BaseException | None, *, attempts: int) -> None:
        """Set the state that follows from an error.

        Args:
            attempts: how many starts in a row had failed before.
        """
        running = self._status.state is BotState.RUNNING
        diagnosis = classify_error(error, running=running)
        if diagnosis.incident is not None:
            log.error("bot %d: incident %s", self.record.id, diagnosis.incident, exc_info=error)
        if not diagnosis.final:
            # Having run longer than the next pause starts the count anew. A run that ends at once
            # does not, nor a conflict, which lets a bot run in between.
            ran = (now() - self._status.since).total_seconds() if running else 0.0
            lasted = ran >= self._context.settings.backoff(attempts + 1)
            anew = lasted and diagnosis.reason is not Reason.CONFLICT
            self._retry(diagnosis, attempts=1 if anew else attempts + 1)
            return
        self._set_state(BotState.FAILED, diagnosis.reason, diagnosis.detail)
        failure = LastError(diagnosis.reason, diagnosis.detail, self._status.since)
        self.record = replace(self.record, failure=failure)

    # -- the task

    def _spawn(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"bot {self.record.id}")
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """The task is over; when it should not be, say so and start it again."""
        error = None if task.cancelled() else task.exception()
        if task is not self._task or self._status.state not in ALIVE:
            if error is not None:
                log.error("bot %d: ended badly", self.record.id, exc_info=error)
            return
        self._report_crash(error)
        self._spawn()  # the journal has all that the queues had

    def _report_crash(self, error: BaseException | None) -> None:
        """Log and show that a task ended that should not have."""
        diagnosis = classify_error(RuntimeError("a task ended"), running=True)
        incident = f"bot {self.record.id}: incident {diagnosis.incident}: a task ended"
        log.error(incident, exc_info=error)
        if self._status.state in ALIVE:
            self._retry(diagnosis, attempts=self._status.attempts + 1)

    async def _run(self) -> None:
        """Keep the bot running until it is stopped or fails for good."""
        keep_secret(self.record.token)
        if self._closing_task is not None:
            await asyncio.wait({self._closing_task})  # an earlier run's
        if self._status.state is BotState.RETRYING:
            await self._back_off()
        run = self._bot_run = create_run(
            self.record,
            self._context,
            is_running=lambda: self._status.state is BotState.RUNNING,
        )
        try:
            await self._receive(run)
        except asyncio.CancelledError as cancelled:
            # The task group, in a frame that the error's traceback holds, holds this task, and so
            # the error: all would wait for the garbage collector (server/gc_tuning.py).
            raise cancelled.with_traceback(None) from None
        if self.record.failure is not None:
            await self._context.save_failure(self.record.id, self.record.failure)

    async def _receive(self, run: BotRun) -> None:
        async with asyncio.TaskGroup() as group:
            run.processor.open(group)
            try:
                await self._attempt(run)
                while self._status.state is BotState.RETRYING:
                    await self._back_off()
                    await self._attempt(run)
            finally:
                await self._close(run)

    async def _close(self, run: BotRun) -> None:
        self._bot_run, self._last_poll_at = None, run.poller.last_poll_at
        self.record = replace(self.record, last_update_at=run.poller.last_update_at)
        # A task of its own: being cancelled a second time must not leave a bot that sends.
        name = f"bot {self.record.id} closing"
        self._closing_task = asyncio.create_task(_close_run(run), name=name)
        await asyncio.shield(self._closing_task)

    async def _back_off(self) -> None:
        self._wake.clear()
        due = self._status.next_attempt_at
        delay = (due - now()).total_seconds() if due else 0.0
        # not wait_for: on Python 3.11 it can swallow being cancelled
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, delay)):
                await self._wake.wait()

    async def _attempt(self, run: BotRun) -> None:
        """Connect and poll until something goes wrong; sets the state that follows from it."""
        attempts = self._status.attempts
        if self._status.state is BotState.RETRYING:
            self._try_again()
        try:
            async with self._slot():
                detail = await self._connect(run)
            self._set_state(BotState.RUNNING, detail=detail)
            await self._poll(run)
        except Exception as error:
            self._react(error, attempts=attempts)

    def _slot(self) -> AbstractAsyncContextManager[None]:
        return (
            nullcontext() if self._priority else self._context.start_limiter.acquire(self.record.id)
        )

    async def _connect(self, run: BotRun) -> str | None:
        """From nothing to a first getUpdates that came back.

        Returns:
            A sentence for the owner, when there is something to tell.
        """
        await self._check_token(run)
        try:
            await run.poller.probe()
        except Conflict as conflict:
            webhook = await run.poller.remove_webhook(conflict)
            if webhook is None:
                raise
            await run.poller.probe()
            return f"A webhook to {_host(webhook)} was set; it was removed."
        return None

    async def _check_token(self, run: BotRun) -> None:
        if run.known_to_telegram:
            await run.application.bot.get_me()
        else:
            await run.application.initialize()  # asks getMe, too
            run.known_to_telegram = True
        me = run.application.bot.bot
        if me.id != claimed_telegram_id(self.record.token):
            raise NotTelegram("getMe told of another bot")
        known = (self.record.telegram_id, self.record.username)
        if known != (me.id, me.username or "") or self.record.failure is not None:
            token = VerifiedToken(self.record.token, me.id, me.username or "")
            await self._context.confirm(self.record.id, token)
            self.record = replace(
                self.record, telegram_id=me.id, username=me.username or "", failure=None
            )

    async def _poll(self, run: BotRun) -> None:
        if not run.backlog_loaded:
            resumption = await self._context.journal.resume(self.record.id)
            run.poller.offset = resumption.offset
            run.poller.last_update_at = resumption.last_update_at
            await run.processor.load_backlog(resumption.blocked_chats)
            run.backlog_loaded = True
        conflicts = 0
        while True:
            try:
                await run.poller.poll(timeout=self._context.settings.poll_timeout)
                conflicts = 0
            except Conflict:
                conflicts += 1
                if conflicts >= self._context.settings.conflicts:
                    raise


async def _close_run(run: BotRun) -> None:
    try:
        await run.processor.close()
    finally:
        run.client.close()
        await run.application.shutdown()
        if run.known_to_telegram:
            # else the two hold each other, and wait for the garbage collector
            run.application.bot.bot.set_bot(None)


def _host(url: str) -> str:
    """Where an address leads; its path may hold a secret, often the token itself."""
    try:
        run = urlsplit(url)
    except ValueError:  # it is Telegram's text, and none of an address
        return "an address"
    host = foreign(f"{run.scheme}://{run.hostname}", limit=MAX_TEXT)
    return host if run.hostname else "an address"
