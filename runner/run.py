"""One run of a bot, from the first call of Telegram to the last, and its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from telegram.error import Conflict

from dialogs.events import Dialog
from models.bots.records import BotRecord, VerifiedToken, Writer
from models.dialogs.scenarios import Present
from models.errors import NotOwner
from models.messaging.marks import Result
from models.messaging.messages import StoredMessage
from models.messaging.resumption import Resumption
from models.redaction import foreign
from runner.loop_pacer import LoopPacer
from runner.ownership import Ownership
from runner.scenarios.menu import Menu
from runner.scenarios.menu_store import MenuStore
from runner.scenarios.store import TalkStore
from runner.scenarios.talks import Talks
from runner.sending.files import FileCalls
from runner.sending.media_store import MediaStore
from runner.sending.outbox import Outbox
from runner.sending.rate_limit import Pacer
from runner.sending.sender import SenderContext
from runner.sending.store import MessageStore
from runner.settings import RunnerTuning
from runner.start_limiter import StartLimiter
from runner.states import BotStatus
from runner.stop_signal import StopSignal
from runner.telegram.answers import MAX_TEXT
from runner.telegram.application import BotApplication, build
from runner.telegram.client import BotClient
from runner.telegram.transport import Transport
from runner.updates.journal import Journal
from runner.updates.polling import Poller
from runner.updates.processor import UpdateProcessor


class RunObserver(Protocol):
    """Is notified of changes of bots while they run."""

    async def confirm(self, bot_id: int, token: VerifiedToken) -> None:
        """Store Telegram's confirmation of a bot's token.

        Raises:
            BotAlreadyRegistered: another bot in the platform is this Telegram bot.
        """

    def observe(self, record: BotRecord, status: BotStatus, *, is_new_state: bool) -> None:
        """Record a bot's status after each change of its state and each wish carried out."""

    def observe_off(self, record: BotRecord) -> None:
        """Record that a bot that does not run here should be off."""

    def forget(self, bot_id: int) -> None:
        """Discard the status of a deleted bot."""

    def observe_message(self, record: BotRecord, message: StoredMessage, result: Result) -> None:
        """Tell a bot's owner what became of a message."""

    def disowned(self, bot_id: int, token_generation: int) -> None:
        """Restart a bot for which this process may no longer write with its current token."""


@dataclass(frozen=True, slots=True)
class RunnerContext:
    """The objects that all bots share.

    Args:
        dialog: produces the replies of the bots.
        transport: the HTTP session.
        journal: stores updates.
        messages: stores what becomes of messages.
        media: has the uploaded files.
        settings: times and limits.
        talks: reads scenarios and talks.
        menus: has what Telegram is to show of commands.
        ownership: the permission of this process to act for its bots.
        start_limiter: limits the number of bots that connect at once.
        loop_pacer: limits the number of handlers that start in one iteration of the loop.
        observer: is notified of changes of bots.
    """

    dialog: Dialog
    transport: Transport
    journal: Journal
    messages: MessageStore
    media: MediaStore
    talks: TalkStore
    menus: MenuStore
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
    outbox: Outbox
    sending: SenderContext
    poller: Poller
    context: RunnerContext
    talks: Talks
    menu: Menu
    is_initialized: bool = False
    has_backlog: bool = False
    crash: BaseException | None = None
    attempts: int = 0

    async def connect(self, record: BotRecord, *, warm: bool) -> tuple[VerifiedToken, str | None]:
        """Check the token and that polling is allowed; remove a webhook that blocks it.

        Args:
            warm: True if another process has just run the bot with this token: nothing is checked,
                and the first poll shows whether all is well.

        Returns:
            The token with its Telegram bot; and a sentence for the owner, or None.

        Raises:
            TelegramError: Telegram does not serve the bot.
        """
        if warm:
            return await self._take_over(record), None
        async with self.context.start_limiter.acquire(record.id):
            return await self._check(record)

    async def _check(self, record: BotRecord) -> tuple[VerifiedToken, str | None]:
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

    async def _take_over(self, record: BotRecord) -> VerifiedToken:
        token = VerifiedToken(record.token, record.telegram_id, record.username)
        self.client.identity = {
            "id": record.telegram_id,
            "is_bot": True,
            "first_name": record.username,
            "username": record.username,
        }
        try:
            await self.application.initialize()
        finally:
            self.client.identity = None
        self.is_initialized = True
        return token

    async def _check_token(self, record: BotRecord) -> VerifiedToken:
        if self.is_initialized:
            await self.application.bot.get_me()
        else:
            await self.application.initialize()  # also calls getMe
            self.is_initialized = True
        me = self.application.bot.bot
        token = VerifiedToken(record.token, me.id, me.username or "")
        if (token.telegram_id, token.username) != (record.telegram_id, record.username):
            await self.context.observer.confirm(record.id, token)
        return token

    async def receive(self, bot_id: int, *, resumption: Resumption | None = None) -> None:
        """Queue the stored backlog, then poll until an error occurs.

        Args:
            resumption: what was read when another process had let go of the bot; None to read it.

        Raises:
            TelegramError: Telegram no longer serves the bot.
            StorageError: new updates could not be stored; they stay unconfirmed.
        """
        if not self.has_backlog:
            resumption = resumption or await self.context.journal.resume(bot_id)
            if resumption is None:
                raise NotOwner("the bot was deleted")
            self.learn(Present(resumption.scenario_version, resumption.menu_waits))
            self.poller.offset = resumption.offset
            self.poller.last_update_at = resumption.last_update_at
            await self.outbox.load(resumption.unsent)
            await self.processor.load_backlog(
                resumption.blocked_chats, is_empty=not resumption.has_waiting
            )
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

    def learn(self, present: Present) -> None:
        """Learn which version of its scenario the bot is to run, and whether its menu is set."""
        self.talks.publish(present.version)
        if present.menu_waits:
            self.menu.want(present.version)

    def open(self, on_crash: Callable[[BaseException | None], None]) -> None:
        """Begin to process updates and to send messages.

        Args:
            on_crash: called when a task of it ends that should not, with its error.
        """
        self.processor.open(on_crash)
        self.outbox.open(on_crash)

    async def close(self) -> None:
        """Stop; running handlers get a short grace period, and nothing is sent afterwards."""
        try:
            # at once, because each of them waits for what it has under way
            await asyncio.gather(self.processor.close(), self.outbox.close(), self.menu.close())
        finally:
            self.talks.forget()
            self.client.close()
            await self.application.shutdown()
            if self.is_initialized:
                # Break the reference cycle of the two; see server/gc_tuning.py.
                self.application.bot.bot.set_bot(None)


def create_run(
    record: BotRecord,
    context: RunnerContext,
    *,
    is_running: Callable[[], bool],
) -> BotRun:
    """Create the parts of one run of a bot.

    Args:
        record: the bot as it is stored.
        context: the objects that all bots share.
        is_running: returns True while Telegram serves the bot.
    """
    client = BotClient(record.token, context.transport, gate=context.ownership.gate)
    shared = SenderContext(
        writer=Writer(record.id, record.token_generation, record.owner_id or 0),
        client=client,
        pacer=Pacer(context.settings.limits),
        store=context.messages,
        settings=context.settings,
        stop=StopSignal(),
        blocked=set(),
        is_running=is_running,
        publish=partial(context.observer.observe_message, record),
        files=FileCalls(record.id, client, context.media),
    )
    talks = Talks(record.id, context.talks)
    application = build(client, context.dialog, limiter=shared.pacer, talks=talks)
    outbox = Outbox(shared)
    processor = UpdateProcessor(
        shared,
        application,
        outbox,
        journal=context.journal,
        loop_pacer=context.loop_pacer,
        talks=talks,
    )
    poller = Poller(client, sink=processor, settings=context.settings)
    poller.last_update_at = record.last_update_at
    menu = Menu(shared, context.menus)
    return BotRun(client, application, processor, outbox, shared, poller, context, talks, menu)


def _host(url: str) -> str:
    """Return the host of an address, because its path may contain a secret, often the token."""
    try:
        parts = urlsplit(url)
    except ValueError:  # Telegram's text is not an address
        return "an address"
    host = foreign(f"{parts.scheme}://{parts.hostname}", limit=MAX_TEXT)
    return host if parts.hostname else "an address"
