"""What a bot is made of, and what all bots share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from models.bots.bots import BotRecord, Failure, VerifiedToken
from runner.loop_pacer import Turnstile
from runner.settings import RunnerSettings
from runner.start_limiter import Slots
from runner.states import BotStatus
from runner.telegram.application import BotApplication, build
from runner.telegram.transport import BotRequest, Transport
from runner.updates.journal import Journal
from runner.updates.polling import Poller
from runner.updates.processor import Delivery


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all bots share.

    Args:
        transport: the HTTP session.
        journal: remembers updates.
        settings: times and bounds.
        boot_slots: bounds how many bots connect at once.
        turnstile: bounds how many handlers begin in one turn of the loop.
        confirm: stores what Telegram said of a bot's token.
        note_failure: stores a bot's failure.
        changed: told whenever a bot's status changed.
    """

    transport: Transport
    journal: Journal
    settings: RunnerSettings
    boot_slots: Slots
    turnstile: Turnstile
    confirm: Callable[[int, VerifiedToken], Awaitable[None]]
    note_failure: Callable[[int, Failure], Awaitable[None]]
    changed: Callable[[BotRecord, BotStatus], None]


@dataclass(slots=True)
class Parts:
    """What one run of a bot works with."""

    request: BotRequest
    application: BotApplication
    delivery: Delivery
    poller: Poller
    known_to_telegram: bool = False
    replayed: bool = False


def assemble(
    record: BotRecord,
    around: Surroundings,
    *,
    is_running: Callable[[], bool],
    on_death: Callable[[BaseException | None], None],
) -> Parts:
    """Make the parts of one run of a bot.

    Args:
        record: the bot as it is stored.
        around: what all bots share.
        is_running: whether Telegram serves the bot at this moment.
        on_death: called when a lane's task ended that should not have; with why.
    """
    request = BotRequest(around.transport)
    application = build(record.token, request=request, api_url=around.transport.api_url)
    delivery = Delivery(
        record.id,
        application,
        journal=around.journal,
        turnstile=around.turnstile,
        settings=around.settings,
        is_running=is_running,
        on_death=on_death,
    )
    url = f"{around.transport.api_url}/bot{record.token}"
    poller = Poller(request, url, sink=delivery, settings=around.settings)
    poller.last_update_at = record.last_update_at
    return Parts(request, application, delivery, poller)
