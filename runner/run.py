"""The parts of one run of a bot, and the context that all bots share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from dialogs.events import Dialog
from models.bots.bots import BotRecord, LastError, VerifiedToken
from runner.loop_pacer import LoopPacer
from runner.settings import RunnerTuning
from runner.start_limiter import StartLimiter
from runner.states import BotStatus
from runner.telegram.application import BotApplication, build
from runner.telegram.client import BotClient
from runner.telegram.limiter import BotRateLimiter
from runner.telegram.transport import Transport
from runner.updates.journal import Journal
from runner.updates.polling import Poller
from runner.updates.processor import UpdateProcessor


@dataclass(frozen=True, slots=True)
class RunnerContext:
    """The parts that all bots share.

    Args:
        dialog: what the bots say.
        transport: the HTTP session.
        journal: remembers updates.
        settings: times and bounds.
        start_limiter: bounds how many bots connect at once.
        loop_pacer: bounds how many handlers begin in one turn of the loop.
        confirm: stores what Telegram said of a bot's token.
        save_failure: stores a bot's failure.
        changed: told whenever a bot's status changed.
    """

    dialog: Dialog
    transport: Transport
    journal: Journal
    settings: RunnerTuning
    start_limiter: StartLimiter
    loop_pacer: LoopPacer
    confirm: Callable[[int, VerifiedToken], Awaitable[None]]
    save_failure: Callable[[int, LastError], Awaitable[None]]
    changed: Callable[[BotRecord, BotStatus], None]


@dataclass(slots=True)
class BotRun:
    """The parts of one run of a bot."""

    client: BotClient
    application: BotApplication
    processor: UpdateProcessor
    poller: Poller
    known_to_telegram: bool = False
    backlog_loaded: bool = False


def create_run(
    record: BotRecord,
    context: RunnerContext,
    *,
    is_running: Callable[[], bool],
) -> BotRun:
    """Make the parts of one run of a bot.

    Args:
        record: the bot as it is stored.
        context: the parts that all bots share.
        is_running: whether Telegram serves the bot at this moment.
    """
    client = BotClient(record.token, context.transport, limiter=BotRateLimiter())
    application = build(client, context.dialog)
    processor = UpdateProcessor(
        record.id,
        client,
        application,
        journal=context.journal,
        loop_pacer=context.loop_pacer,
        settings=context.settings,
        is_running=is_running,
    )
    poller = Poller(client, sink=processor, settings=context.settings)
    poller.last_update_at = record.last_update_at
    return BotRun(client, application, processor, poller)
