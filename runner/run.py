"""One run of a bot: the parts it is made of, from the first call of Telegram to the last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from telegram.error import Conflict

from dialogs.events import Dialog
from models.bots.records import BotRecord, VerifiedToken, Writer, claimed_telegram_id
from models.redaction import foreign
from runner.loop_pacer import LoopPacer
from runner.ownership import Ownership
from runner.settings import RunnerTuning
from runner.start_limiter import StartLimiter
from runner.states import BotStatus
from runner.telegram.answers import MAX_TEXT, NotTelegram
from runner.telegram.application import BotApplication, build
from runner.telegram.client import BotClient
from runner.telegram.limiter import BotRateLimiter
from runner.telegram.transport import Transport
from runner.updates.journal import Journal
from runner.updates.polling import Poller
from runner.updates.processor import UpdateProcessor


class RunObserver(Protocol):
    """Hears what becomes of bots while they run."""

    async def confirm(self, bot_id: int, token: VerifiedToken) -> None:
        """Store what Telegram said of a bot's token.

        Raises:
            BotAlreadyRegistered: another bot in the platform is this Telegram bot.
        """

    def observe(self, record: BotRecord, status: BotStatus, *, is_new_state: bool) -> None:
        """Learn a bot's status, after each change of its state and each wish carried out."""

    def observe_off(self, record: BotRecord) -> None:
        """Learn that a bot which does not run here is to be off."""

    def forget(self, bot_id: int) -> None:
        """Learn that a bot is deleted."""

    def disowned(self, bot_id: int, token_generation: int) -> None:
        """Learn that this process may no longer write for a bot with the token that it has."""


@dataclass(frozen=True, slots=True)
class RunnerContext:
    """What all bots share.

    Args:
        dialog: what the bots say.
        transport: the HTTP session.
        journal: stores updates.
        settings: times and bounds.
        ownership: tells whether this process may act for its bots.
        start_limiter: bounds how many bots connect at once.
        loop_pacer: bounds how many handlers begin in one turn of the loop.
        observer: hears what becomes of bots.
    """

    dialog: Dialog
    transport: Transport
    journal: Journal
    settings: RunnerTuning
    ownership: Ownership
    start_limiter: StartLimiter
    loop_pacer: LoopPacer
    observer: RunObserver


@dataclass(slots=True)
class BotRun:
    """The parts of one run of a bot.

    Args:
        crash: why the run has to end; None if it has not crashed.
        attempts: failed starts in a row before the latest.
    """

    client: BotClient
    application: BotApplication
    processor: UpdateProcessor
    poller: Poller
    context: RunnerContext
    is_initialized: bool = False
    has_backlog: bool = False
    crash: BaseException | None = None
    attempts: int = 0

    async def connect(self, record: BotRecord) -> tuple[VerifiedToken, str | None]:
        """Go from nothing to a first getUpdates that came back.

        Returns:
            The token with what Telegram told of it; and a sentence for the owner, or None.

        Raises:
            TelegramError: Telegram does not serve the bot.
        """
        token = await self._check_token(record)
        try:
            await self.poller.probe()
        except Conflict as conflict:
            webhook = await self.poller.remove_webhook(conflict)
            if webhook is None:
                raise
            await self.poller.probe()
            return token, f"A webhook to {_host(webhook)} was set; it was removed."
        return token, None

    async def _check_token(self, record: BotRecord) -> VerifiedToken:
        if self.is_initialized:
            await self.application.bot.get_me()
        else:
            await self.application.initialize()  # asks getMe, too
            self.is_initialized = True
        me = self.application.bot.bot
        if me.id != claimed_telegram_id(record.token):
            raise NotTelegram("getMe told of another bot")
        token = VerifiedToken(record.token, me.id, me.username or "")
        if (token.telegram_id, token.username) != (record.telegram_id, record.username):
            await self.context.observer.confirm(record.id, token)
        return token

    async def receive(self, bot_id: int) -> None:
        """Take up what is stored and not handled, then poll until something goes wrong.

        Raises:
            TelegramError: Telegram does not serve the bot any more.
            StorageError: what came could not be stored; it stays unconfirmed.
        """
        if not self.has_backlog:
            resumption = await self.context.journal.resume(bot_id)
            self.poller.offset = resumption.offset
            self.poller.last_update_at = resumption.last_update_at
            await self.processor.load_backlog(resumption.blocked_chats)
            self.has_backlog = True
        settings, conflicts = self.context.settings, 0
        while True:
            try:
                await self.poller.poll(timeout=settings.poll_timeout)
                conflicts = 0
            except Conflict:
                conflicts += 1
                if conflicts >= settings.conflicts:
                    raise

    async def close(self) -> None:
        """End; handlers still running may finish for a moment, and nothing is sent afterwards."""
        try:
            await self.processor.close()
        finally:
            self.client.close()
            await self.application.shutdown()
            if self.is_initialized:
                # Else the two hold each other, and wait for the collector; see server/gc_tuning.py.
                self.application.bot.bot.set_bot(None)


def create_run(
    record: BotRecord,
    context: RunnerContext,
    *,
    is_running: Callable[[], bool],
) -> BotRun:
    """Make the parts of one run of a bot.

    Args:
        record: the bot as it is stored.
        context: what all bots share.
        is_running: tells whether Telegram serves the bot at this moment.
    """
    client = BotClient(
        record.token,
        context.transport,
        limiter=BotRateLimiter(),
        gate=context.ownership.is_valid,
    )
    application = build(client, context.dialog)
    processor = UpdateProcessor(
        Writer(record.id, record.token_generation),
        client,
        application,
        journal=context.journal,
        loop_pacer=context.loop_pacer,
        settings=context.settings,
        is_running=is_running,
    )
    poller = Poller(client, sink=processor, settings=context.settings)
    poller.last_update_at = record.last_update_at
    return BotRun(client, application, processor, poller, context)


def _host(url: str) -> str:
    """Name where an address leads; its path may hold a secret, often the token itself."""
    try:
        parts = urlsplit(url)
    except ValueError:  # it is Telegram's text, and not an address
        return "an address"
    host = foreign(f"{parts.scheme}://{parts.hostname}", limit=MAX_TEXT)
    return host if parts.hostname else "an address"
