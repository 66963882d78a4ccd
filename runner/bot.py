"""One bot: its state, and the task that keeps it true."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from typing import cast

from telegram import Update
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError, TimedOut

from models.base import now
from models.bot import BotRecord, Failure, VerifiedToken
from models.errors import BotAlreadyRegistered
from runner.application import BotApplication, build
from runner.lanes import JSONObject, Lanes
from runner.poller import Poller
from runner.settings import RunnerSettings
from runner.states import SETTLED, TRANSITIONS, BotState, BotStatus, Reason
from runner.transport import BotRequest, Transport

log = logging.getLogger("botyard.runner")


class ManagedBot:
    """A bot that can be started and stopped any number of times.

    Starting and stopping do not await each other: whoever changes a bot holds the manager's
    lock for it.

    Args:
        record: the bot as it is stored.
        transport: the HTTP session of all bots.
        settings: times and bounds.
        boot_slots: bounds how many bots connect at once.
        confirm: stores what Telegram said of the token.
        note_failure: stores a failure.
    """

    def __init__(
        self,
        record: BotRecord,
        *,
        transport: Transport,
        settings: RunnerSettings,
        boot_slots: asyncio.Semaphore,
        confirm: Callable[[int, VerifiedToken], Awaitable[None]],
        note_failure: Callable[[int, Failure], Awaitable[None]],
    ) -> None:
        self.record = record
        self.tried = False
        self._transport = transport
        self._settings = settings
        self._boot_slots = boot_slots
        self._confirm = confirm
        self._note_failure = note_failure
        self._status = BotStatus(BotState.STOPPED, None, None, now())
        self._settled = asyncio.Event()
        self._settled.set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._poller: Poller | None = None
        self._known_to_telegram = False
        self._hurried = False  # its owner waits: no queueing behind other bots

    @property
    def status(self) -> BotStatus:
        """What is true of the bot now."""
        if self._poller is None:
            return self._status
        return replace(
            self._status,
            last_poll_at=self._poller.last_poll_at,
            last_update_at=self._poller.last_update_at,
        )

    def start(self, *, hurried: bool = True, unreachable: str | None = None) -> None:
        """Begin to start, or to retry at once; does nothing when it runs or starts already.

        Args:
            hurried: somebody waits for it.
            unreachable: Telegram was just found out of reach, for this cause: wait, then try.
        """
        self._hurried = self._hurried or hurried
        if self._status.state is BotState.RETRYING:
            self._set_state(BotState.STARTING, attempts=self._status.attempts)
            self._wake.set()
        elif self._status.state in (BotState.STOPPED, BotState.FAILED):
            if unreachable is None:
                self._set_state(BotState.STARTING)
            else:
                self._set_retrying(Reason.TELEGRAM_UNREACHABLE, unreachable, attempts=1)
            run = self._run(after=self._task)
            self._task = asyncio.create_task(run, name=f"bot {self.record.id}")

    async def stop(self) -> None:
        """Stop; waits for handlers in hand for a moment, for Telegram never."""
        if self._status.state is BotState.STOPPED:
            return
        if self._status.state is not BotState.STOPPING:
            self._set_state(BotState.STOPPING)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            if not self._task.cancelled() and (error := self._task.exception()):
                log.error("bot %d: ended badly", self.record.id, exc_info=error)
            self._task = None
        self._set_state(BotState.STOPPED)

    async def settled(self, timeout: float) -> bool:
        """Wait until the bot is neither starting nor stopping.

        Args:
            timeout: seconds to wait at most.

        Returns:
            Whether it is so.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._settled.wait()
        return self._settled.is_set()

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
        level = logging.WARNING if reason else logging.INFO
        log.log(
            level, "bot %d %s%s", self.record.id, state, f": {reason}: {detail}" if reason else ""
        )
        if state in SETTLED:
            self._settled.set()
            self.tried = True
            self._hurried = False
        else:
            self._settled.clear()

    def _set_retrying(
        self, reason: Reason, detail: str, *, attempts: int, delay: float | None = None
    ) -> None:
        if delay is None:
            low, high = self._settings.backoff_min, self._settings.backoff_max
            doubled = min(high, low * 2 ** min(attempts - 1, 16))
            delay = max(low, doubled * random.uniform(0.75, 1.0))  # noqa: S311 - jitter
        self._set_state(BotState.RETRYING, reason, detail, attempts=attempts, delay=delay)

    async def _run(self, *, after: asyncio.Task[None] | None) -> None:
        """Keep the bot running until it is stopped or fails for good.

        Args:
            after: an earlier run that failed and may still be putting things away.
        """
        if after is not None:
            await asyncio.wait({after})
        self._known_to_telegram = False
        request = BotRequest(self._transport)
        application = build(self.record.token, request=request, api_url=self._transport.api_url)
        lanes = Lanes(
            lambda update: self._handle(application, update),
            name=f"bot {self.record.id}",
            parallel=self._settings.chats_parallel,
            max_pending=self._settings.max_pending,
        )
        url = f"{self._transport.api_url}/bot{self.record.token}"
        self._poller = Poller(request, url, sink=lanes, settings=self._settings)
        try:
            while self._status.state is not BotState.FAILED:
                if self._status.state is BotState.RETRYING:
                    await self._back_off()
                await self._attempt(application, self._poller)
        finally:
            await lanes.close(grace=self._settings.send_grace, cut_wait=self._settings.cut_wait)
            request.close()
            await application.shutdown()

    async def _back_off(self) -> None:
        self._wake.clear()
        due = self._status.next_attempt_at
        delay = (due - now()).total_seconds() if due else 0.0
        # not wait_for: on Python 3.11 it can swallow being cancelled
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, delay)):
                await self._wake.wait()

    async def _attempt(self, application: BotApplication, poller: Poller) -> None:
        """Connect and poll until something goes wrong; sets the state that follows from it."""
        attempts = self._status.attempts
        if self._status.state is BotState.RETRYING:
            self._set_state(BotState.STARTING, attempts=attempts)
        try:
            async with self._slot():
                detail = await self._connect(application, poller)
            self._set_state(BotState.RUNNING, detail=detail)
            await self._poll(poller)
        except InvalidToken:
            await self._fail_token()
        except BotAlreadyRegistered:
            await self._fail(
                Reason.ALREADY_REGISTERED, "Another account of this platform runs this bot."
            )
        except RetryAfter as error:
            wait = cast(timedelta, error.retry_after).total_seconds()
            detail = f"Telegram asks to wait {wait:.0f} s."
            self._set_retrying(Reason.RATE_LIMITED, detail, attempts=attempts + 1, delay=wait)
        except Conflict:
            self._set_retrying(
                Reason.CONFLICT,
                "Another program polls with this token: end it, or give the bot a new token.",
                attempts=attempts + 1,
            )
        except TelegramError as error:
            self._set_retrying(
                Reason.TELEGRAM_UNREACHABLE, explain(error), attempts=self._failures(attempts)
            )
        except Exception:
            incident = secrets.token_hex(6)
            log.exception("bot %d: incident %s", self.record.id, incident)
            self._set_retrying(
                Reason.INTERNAL_ERROR,
                f"Something went wrong on our side (incident {incident}).",
                attempts=self._failures(attempts),
            )

    def _failures(self, before: int) -> int:
        """How many failures in a row this one makes: having run starts the count anew."""
        return 1 if self._status.state is BotState.RUNNING else before + 1

    def _slot(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._hurried else self._boot_slots

    async def _connect(self, application: BotApplication, poller: Poller) -> str | None:
        """From nothing to a first getUpdates that came back.

        Returns:
            A sentence for the owner, when there is something to tell.
        """
        if self._known_to_telegram:
            await application.bot.get_me()
        else:
            await application.initialize()  # asks getMe, too
            self._known_to_telegram = True
        me = application.bot.bot
        known = (self.record.telegram_id, self.record.username)
        if known != (me.id, me.username or "") or self.record.failure is not None:
            token = VerifiedToken(self.record.token, me.id, me.username or "")
            await self._confirm(self.record.id, token)
            self.record = replace(
                self.record, telegram_id=me.id, username=me.username or "", failure=None
            )
        try:
            await poller.poll(timeout=0)
        except Conflict as conflict:
            webhook = await poller.remove_webhook(conflict)
            if webhook is None:
                raise
            await poller.poll(timeout=0)
            return f"A webhook to {webhook} was set; it was removed."
        return None

    async def _poll(self, poller: Poller) -> None:
        conflicts = 0
        while True:
            try:
                await poller.poll(timeout=self._settings.poll_timeout)
                conflicts = 0
            except Conflict:
                conflicts += 1
                if conflicts >= self._settings.conflicts:
                    raise

    async def _fail_token(self) -> None:
        if self._status.state is BotState.RUNNING:
            detail = "Telegram no longer accepts the token: it was revoked. Enter the new one."
            await self._fail(Reason.TOKEN_REVOKED, detail)
        else:
            detail = "Telegram does not know the token. Copy it again from @BotFather."
            await self._fail(Reason.TOKEN_REJECTED, detail)

    async def _fail(self, reason: Reason, detail: str) -> None:
        self._set_state(BotState.FAILED, reason, detail)
        failure = Failure(reason, detail, self._status.since)
        self.record = replace(self.record, failure=failure)
        await self._note_failure(self.record.id, failure)

    async def _handle(self, application: BotApplication, raw: JSONObject) -> None:
        try:
            await application.process_update(Update.de_json(raw, application.bot))
        except Exception:
            log.exception("bot %d: update %s failed", self.record.id, raw.get("update_id"))


def explain(error: TelegramError) -> str:
    """A sentence for the owner of a bot that Telegram does not serve."""
    if isinstance(error, TimedOut):
        return "Telegram did not answer in time."
    # the library quotes an answer it cannot read at full length
    cause = error.message.partition(". Parsing the server response")[0].rstrip(".")
    return f"Telegram cannot be reached: {cause}."
