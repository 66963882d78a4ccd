"""One bot: its state, and the task that runs it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial

from models.bots.records import BotRecord
from models.engine.base import now
from models.errors import NotOwner
from models.messaging.resumption import Resumption
from models.redaction import keep_secret
from runner.attempts import back_off, is_known_good, known_reason, retry_delay
from runner.diagnosis import Diagnosis, classify_error
from runner.flag import Flag
from runner.run import BotRun, RunnerContext, create_run
from runner.states import ALIVE, STABLE, TRANSITIONS, BotState, BotStatus, Reason

log = logging.getLogger("botyard.runner")


class ManagedBot:
    """A bot that can be started and stopped any number of times.

    Starting and stopping do not await each other: a caller that changes a bot holds the
    manager's lock for it.

    Args:
        record: the bot as it is stored.
        context: the objects that all bots share.

    Attributes:
        record: the bot as stored when the last wish was carried out.
        stable: set while the bot is neither starting nor stopping.
    """

    def __init__(self, record: BotRecord, context: RunnerContext) -> None:
        self.record = record
        self._context = context
        self._status = BotStatus(BotState.STOPPED, None, None, now())
        self.stable = Flag(is_set=True)
        self._wake = Flag()
        self._task: asyncio.Task[None] | None = None
        self._bot_run: BotRun | None = None
        self._closing_task: asyncio.Task[None] | None = None

    @property
    def status(self) -> BotStatus:
        """The current status; `dead` comes from the database."""
        run = self._bot_run
        if run is None:
            return replace(self._status, last_update_at=self.record.last_update_at)
        return replace(
            self._status,
            last_poll_at=run.poller.last_poll_at,
            last_update_at=run.poller.last_update_at,
            pending=run.processor.pending,
        )

    def carry_out(
        self,
        record: BotRecord,
        *,
        priority: bool,
        unreachable: str | None = None,
        warm: Resumption | None = None,
    ) -> None:
        """Carry out the wish that the bot runs: start it, or retry at once.

        Args:
            record: the bot as it is stored now, with its decrypted token.
            priority: True if a request waits for the bot.
            unreachable: the reason if Telegram was just found to be unreachable: then wait before
                the first attempt.
            warm: what the bot resumes from, if another process has run it until a moment ago; None
                to begin as at any start.
        """
        self.record = record
        state = self._status.state
        if priority and state is not BotState.RUNNING:
            self._context.start_limiter.promote(record.id)
        if state is BotState.RETRYING:
            self._try_again()
            self._wake.set()
        elif state not in (BotState.STOPPED, BotState.FAILED):
            self._context.observer.observe(record, self.status, is_new_state=False)
        elif unreachable is None:
            self._set_state(BotState.STARTING, *known_reason(record))
            self._spawn(warm=warm if is_known_good(record) else None)
        else:
            self._retry(Diagnosis(Reason.TELEGRAM_UNREACHABLE, unreachable), attempts=1)
            self._spawn()

    async def stop(self, record: BotRecord | None = None) -> None:
        """Stop; give running handlers a short grace period, and never wait for Telegram.

        Args:
            record: the bot as it is stored now, with the wish that this carries out; None if
                it is stopped for another reason, such as the shutdown of the server. Then the
                reason of a failure is kept for the next start.
        """
        if self._status.state is BotState.STOPPED:
            return
        kept = (self._status.reason, self._status.detail) if record is None else (None, None)
        self.record = record or self.record
        if self._status.state is not BotState.STOPPING:
            self._set_state(BotState.STOPPING, *kept)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        if self._closing_task is not None:
            await asyncio.wait({self._closing_task})
        self._set_state(BotState.STOPPED, *kept)

    @property
    def run(self) -> BotRun | None:
        """The present run; None while the bot is off."""
        return self._bot_run

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
        """Set the state; nothing else writes it."""
        if state not in TRANSITIONS[self._status.state]:
            raise RuntimeError(f"a bot cannot go from {self._status.state} to {state}")
        moment = now()
        due = None if delay is None else moment + timedelta(seconds=delay)
        last_poll_at = self._status.last_poll_at
        self._status = BotStatus(state, reason, detail, moment, attempts, due, last_poll_at)
        if reason is None or state not in (BotState.RETRYING, BotState.FAILED):
            log.info("bot %d %s", self.record.id, state)
        else:
            log.warning("bot %d %s: %s: %s", self.record.id, state, reason, detail)
        if state in STABLE:
            self.stable.set()
            self._context.start_limiter.forget(self.record.id)
        else:
            self.stable.clear()
        self._context.observer.observe(self.record, self.status, is_new_state=True)

    def _retry(self, diagnosis: Diagnosis, *, attempts: int) -> None:
        delay = retry_delay(diagnosis, attempts, self._context.settings)
        why = diagnosis.reason, diagnosis.detail
        self._set_state(BotState.RETRYING, *why, attempts=attempts, delay=delay)

    def _try_again(self) -> None:
        """Start again; keep showing the last reason until the retry succeeds."""
        last = self._status
        self._set_state(BotState.STARTING, last.reason, last.detail, attempts=last.attempts)

    def _react(self, error: BaseException | None, *, attempts: int) -> None:
        """Set the state that follows from an error.

        Args:
            attempts: the number of consecutive failed starts before.
        """
        running = self._status.state is BotState.RUNNING
        diagnosis = classify_error(error, running=running)
        if diagnosis.incident is not None:
            log.error("bot %d: incident %s", self.record.id, diagnosis.incident, exc_info=error)
        if diagnosis.final:
            self._set_state(BotState.FAILED, diagnosis.reason, diagnosis.detail)
            return
        # A run that was longer than the next pause resets the count. A shorter one does not, nor
        # does a conflict, between two of which a bot runs for a while.
        ran = (now() - self._status.since).total_seconds() if running else 0.0
        lasted = ran >= self._context.settings.backoff(attempts + 1)
        anew = lasted and diagnosis.reason is not Reason.CONFLICT
        self._retry(diagnosis, attempts=1 if anew else attempts + 1)

    # -- the task

    def _spawn(self, *, warm: Resumption | None = None) -> None:
        self._task = asyncio.create_task(self._run(warm=warm), name=f"bot {self.record.id}")
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Report a task that ended unexpectedly, and start it again.

        Nothing is lost: the journal has every update that the crashed run had in memory.
        """
        error = None if task.cancelled() else task.exception()
        if task is not self._task or self._status.state not in ALIVE:
            if error is not None:
                log.error("bot %d: failed to stop cleanly", self.record.id, exc_info=error)
            return
        diagnosis = classify_error(RuntimeError(), running=True)
        text = f"incident {diagnosis.incident}: a background task stopped unexpectedly"
        log.error("bot %d: %s", self.record.id, text, exc_info=error)
        self._retry(diagnosis, attempts=self._status.attempts + 1)
        self._spawn()

    async def _run(self, *, warm: Resumption | None) -> None:
        """Keep the bot running until it is stopped or fails for good."""
        keep_secret(self.record.token)
        while True:
            if self._closing_task is not None:
                await asyncio.wait({self._closing_task})  # of an earlier run
            if self._status.state is BotState.RETRYING:
                await back_off(self._status, self._wake)
            run = self._bot_run = create_run(
                self.record,
                self._context,
                is_running=lambda: self._status.state is BotState.RUNNING,
            )
            run.open(partial(self._crashed, run))
            try:
                await self._serve(run, warm=warm)
            finally:
                # In a task of its own: a second cancellation must not leave a bot that still
                # sends.
                name = f"bot {self.record.id} closing"
                self._closing_task = asyncio.create_task(run.close(), name=name)
                await asyncio.shield(self._closing_task)
                self._bot_run = None
                self._status = replace(self._status, last_poll_at=run.poller.last_poll_at)
                self.record = replace(self.record, last_update_at=run.poller.last_update_at)
            if run.crash is None:
                return
            warm = None

    def _crashed(self, run: BotRun, error: BaseException | None) -> None:
        """Stop a run after a chat's task has crashed; the journal has all of its updates.

        A TaskGroup is not used, because it would wait for handlers that ignore cancellation.
        """
        if run.crash is None and self._bot_run is run and self._task is not None:
            run.crash = error or RuntimeError("the task of a chat was cancelled")
            self._task.cancel()

    async def _serve(self, run: BotRun, *, warm: Resumption | None) -> None:
        """Make attempts, with pauses, until the bot is stopped, fails for good, or crashes."""
        try:
            await self._attempt(run, warm=warm)
            while self._status.state is BotState.RETRYING:
                await back_off(self._status, self._wake)
                await self._attempt(run)
        except asyncio.CancelledError:
            if run.crash is None or self._status.state is BotState.STOPPING or self._task is None:
                raise
            self._task.uncancel()
            self._react(run.crash, attempts=run.attempts)

    async def _attempt(self, run: BotRun, *, warm: Resumption | None = None) -> None:
        """Connect and poll until an error occurs, and set the state that follows from it."""
        attempts = run.attempts = self._status.attempts
        if self._status.state is BotState.RETRYING:
            self._try_again()
        try:
            token, detail = await run.connect(self.record, warm=warm is not None)
            self.record = replace(
                self.record, telegram_id=token.telegram_id, username=token.username
            )
            self._set_state(BotState.RUNNING, detail=detail)
            await run.receive(self.record.id, resumption=warm)
        except NotOwner as error:
            log.info("bot %d: %s", self.record.id, error)
            self._context.observer.disowned(self.record.id, self.record.token_generation)
            await asyncio.Event().wait()  # until the observer has the bot restarted or stopped
        except Exception as error:
            self._react(error, attempts=attempts)
