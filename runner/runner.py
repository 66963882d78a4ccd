"""Assembles the parts of the runner."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass

from dialogs import echo
from dialogs.events import Dialog
from models.bots.records import BotRecord
from models.bots.vault import Vault
from models.engine.database import Database
from models.errors import StorageError
from models.messaging.marks import Result
from models.messaging.messages import Lane, MessageState, SendReason, StoredMessage
from runner.calls_elsewhere import CallsElsewhere
from runner.claims import Claims
from runner.group_commit import GroupCommit
from runner.live.counters import UpdateCounts
from runner.live.events import EventKind, MessageNews
from runner.live.hub import EventHub
from runner.live.new_messages import NewMessagePublisher
from runner.live.publisher import CounterPublisher
from runner.loop_pacer import LoopPacer
from runner.manager import BotManager
from runner.ownership import Ownership, SoleOwner
from runner.reconciler import Reconciler
from runner.run import RunnerContext
from runner.scenarios.menu_store import MenuStore
from runner.scenarios.store import TalkStore
from runner.sending.media_store import MediaStore
from runner.sending.store import MessageStore
from runner.settings import RunnerTuning
from runner.start_limiter import StartLimiter
from runner.states import STABLE, BotState, BotStatus
from runner.statuses import StatusWriter
from runner.telegram.transport import Transport
from runner.updates.journal import Journal
from runner.views import Views
from runner.wishes import Wishes

log = logging.getLogger("botyard.runner")

STARTING = 60.0  # seconds that a bell for a bot waits for its start


class _Observer:
    """Writes and publishes the statuses of bots; see `RunObserver`."""

    def __init__(self, claims: Claims, statuses: StatusWriter, events: EventHub) -> None:
        self.reconciler: Reconciler | None = None  # set before there are any bots
        self.confirm = claims.confirm
        self.observe_off = statuses.put_off
        self.forget = statuses.forget
        self._statuses = statuses
        self._events = events
        self._restarts: set[asyncio.Task[None]] = set()

    def observe(self, record: BotRecord, status: BotStatus, *, is_new_state: bool) -> None:
        """Write a status, and publish it if its state is new."""
        self._statuses.put(record.id, record.generation, status)
        if is_new_state:
            self._events.publish(record.user_id, EventKind.STATE, record.id, status)
        if self.reconciler is None:
            return
        self.reconciler.boot.begun([record.id])
        if status.state in STABLE:
            self.reconciler.boot.tried(record.id)

    def observe_message(self, record: BotRecord, message: StoredMessage, result: Result) -> None:
        """Publish what became of a message."""
        if not self._events.listened_to(record.user_id):
            return
        for number, telegram_id in result.rows:
            news = MessageNews(
                number, message.chat_id, result.state, telegram_id, result.reason, result.detail
            )
            self._events.publish(record.user_id, EventKind.MESSAGE_STATE, record.id, news)

    def disowned(self, bot_id: int, token_generation: int) -> None:
        """Restart a bot with its stored settings."""
        if self.reconciler is not None:
            name = f"bot {bot_id} restarting"
            task = asyncio.create_task(self.reconciler.restart(bot_id, token_generation), name=name)
            self._restarts.add(task)
            task.add_done_callback(self._restarts.discard)

    async def close(self) -> None:
        """Cancel the restarts in progress."""
        for task in list(self._restarts):
            task.cancel()
            await asyncio.wait({task})


@dataclass(frozen=True, slots=True)
class Runner:
    """The runner of a process; made by `create_runner`, ended by `close`.

    Args:
        transport: the connection to Telegram.
        manager: the registry of the bots that run.
        reconciler: brings them in line with the database.
        journal: the received updates.
        messages: the messages that go out.
        commits: writes for both.
        statuses: the statuses of bots, to be written to the database.
        views: bots as they are shown.
        wishes: carries out owners' wishes, wherever their bots run.
        calls: calls of Telegram that other processes make for this one, and the reverse.
        claims: the Telegram bots of tokens.
        talks: reads scenarios and talks.
        events: live events for owners.
        counters: publishes the counters among those.
        new_messages: publishes new messages among those.
    """

    transport: Transport
    manager: BotManager
    reconciler: Reconciler
    journal: Journal
    messages: MessageStore
    commits: GroupCommit
    statuses: StatusWriter
    views: Views
    wishes: Wishes
    calls: CallsElsewhere
    claims: Claims
    talks: TalkStore
    events: EventHub
    counters: CounterPublisher
    new_messages: NewMessagePublisher
    observer: _Observer

    @property
    def size(self) -> int:
        """The number of bots that run or will be started."""
        return self.manager.size + self.reconciler.boot.queued

    def states(self) -> Counter[BotState]:
        """Count the bots of this process by state, including those not started yet at boot."""
        counts = self.manager.states()
        if self.reconciler.boot.queued:
            counts[BotState.STARTING] += self.reconciler.boot.queued
        return counts

    async def save_polls(self, users: Set[int] | None = None) -> None:
        """Write the times of the bots' last polls; called once a minute.

        Args:
            users: only of the bots of these accounts; None for all.

        Raises:
            StorageError: nothing was written.
        """
        polls = (
            (bot.record.id, bot.status.last_poll_at)
            for bot in self.manager.bots()
            if users is None or bot.record.user_id in users
        )
        await self.statuses.save_polls((bot_id, at) for bot_id, at in polls if at is not None)

    async def send_written(self, bot_id: int) -> None:
        """Send what people have written in other processes, if the bot runs here."""
        await self._started(bot_id)
        if (run := self.manager.run(bot_id)) is not None:
            run.outbox.doubt(Lane.OPERATOR)

    async def look_at_scenario(self, bot_id: int) -> None:
        """Learn that a bot has another scenario or fewer talks, if the bot runs here."""
        if (run := self.manager.run(bot_id)) is not None:
            run.talks.forget()  # at once: a start may take long, and talks go on meanwhile
        await self._started(bot_id)
        if (run := self.manager.run(bot_id)) is None:
            return
        run.talks.forget()  # what the start has read may be older than the deletion
        try:
            for present in (await self.talks.present([bot_id])).values():
                run.learn(present)
        except StorageError as error:
            log.warning("bot %d: its scenario is not read yet: %s", bot_id, error)

    async def look_at_scenarios(self) -> None:
        """Learn which scenarios the bots run here that have others by now.

        Raises:
            StorageError: the database did not answer.
        """
        runs = {bot.record.id: bot.run for bot in self.manager.bots()}
        for bot_id, present in (await self.talks.present([*runs])).items():
            if (run := runs[bot_id]) is not None:
                run.learn(present)

    async def _started(self, bot_id: int) -> None:
        """Wait while a bot starts: what it resumes from may have been read already."""
        async with self.manager.lock(bot_id):
            pass
        await self.manager.wait_until_stable(bot_id, within=STARTING)

    async def handle_again(self, bot_id: int) -> None:
        """Handle updates that are to be handled again, if the bot runs here."""
        await self._started(bot_id)
        if (run := self.manager.run(bot_id)) is None:
            return
        while not run.has_backlog:  # a moment, unless the database is away
            if self.manager.run(bot_id) is not run:
                return
            await asyncio.sleep(0.05)
        try:
            await run.processor.load_backlog()
        except StorageError as error:
            log.warning("bot %d: its updates are not read yet: %s", bot_id, error)

    async def expire_messages(self) -> None:
        """Give up messages that have waited too long; called once a minute.

        Raises:
            StorageError: nothing was given up.
        """
        for message in await self.messages.expire():
            news = MessageNews(
                message.id, message.chat_id, MessageState.FAILED, reason=SendReason.EXPIRED
            )
            self.events.publish(message.user_id, EventKind.MESSAGE_STATE, message.bot_id, news)

    async def close(self) -> None:
        """Stop every bot, then write the remaining statuses; owners' wishes stay as they are."""
        await self.counters.close()
        await self.observer.close()
        await self.manager.shutdown()
        await self.commits.close()
        await self.new_messages.close()
        await self.statuses.close()


def create_runner(
    db: Database,
    vault: Vault,
    transport: Transport,
    settings: RunnerTuning,
    *,
    dialog: Dialog = echo.answer,
    ownership: Ownership | None = None,
) -> Runner:
    """Create the runner of a process.

    Args:
        db: the database.
        vault: decrypts the stored tokens.
        transport: the HTTP session of all bots.
        settings: times and limits.
        dialog: produces the replies of the bots.
        ownership: the bots that this process owns; None for all.
    """
    owner = ownership or SoleOwner()
    commits = GroupCommit(db, owner_id=lambda: owner.process_id)
    statuses, events = StatusWriter(db, owner_id=lambda: owner.process_id), EventHub()
    journal, messages = Journal(db, commits), MessageStore(db, commits)
    claims = Claims(db, vault, transport, timeout=settings.verify_timeout)
    observer = _Observer(claims, statuses, events)
    context = RunnerContext(
        dialog=dialog,
        transport=transport,
        journal=journal,
        messages=messages,
        media=MediaStore(db),
        talks=TalkStore(db),
        menus=MenuStore(db),
        settings=settings,
        ownership=owner,
        start_limiter=StartLimiter(settings.boot_parallel),
        loop_pacer=LoopPacer(settings.handlers_a_turn),
        observer=observer,
    )
    manager = BotManager(context)
    observer.reconciler = reconciler = Reconciler(db, vault, manager, settings, ownership=owner)
    counts = UpdateCounts(db)
    new_messages = NewMessagePublisher(db, events)
    commits.on_stored.append(new_messages.stored)
    commits.on_stored.append(lambda flushed: manager.forget_talks(flushed.interrupted))
    return Runner(
        transport=transport,
        manager=manager,
        reconciler=reconciler,
        journal=journal,
        messages=messages,
        commits=commits,
        statuses=statuses,
        views=Views(db, vault, manager=manager, statuses=statuses, counts=counts, ownership=owner),
        wishes=Wishes(db, vault, manager, statuses=statuses, ownership=owner, settings=settings),
        calls=CallsElsewhere(db, manager, ownership=owner),
        claims=claims,
        talks=context.talks,
        events=events,
        counters=CounterPublisher(manager, counts, events),
        new_messages=new_messages,
        observer=observer,
    )
