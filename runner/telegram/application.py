"""The only place where a python-telegram-bot Application is built."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from telegram.ext import Application, ApplicationBuilder, BaseRateLimiter, CallbackContext
from telegram.ext import TypeHandler as UpdateHandler

from dialogs.events import Dialog, TextMessage
from models.messaging.effects import Effects
from runner.scenarios.talks import Talks
from runner.scenarios.updates import Me
from runner.sending.calls import outgoing_messages
from runner.telegram.client import BotClient
from runner.telegram.request import BotRequest
from runner.updates.incoming import IncomingUpdate

BotApplication = Application[Any, Any, Any, Any, Any, None]


# Applications are not started, so that nothing is in it; one of its own takes 3 KB a bot.
_NO_QUEUE: asyncio.Queue[object] = asyncio.Queue()


@dataclass(slots=True)
class Turn:
    """One update in an Application, with the effects that its handlers request.

    Applications dispatch it instead of a telegram.Update, so that unused fields are not parsed
    and handlers can return effects.

    Args:
        at_once: True if the handlers may wait for nothing.
    """

    update: IncomingUpdate
    effects: Effects = field(default_factory=Effects)
    at_once: bool = False


class _Application(Application[Any, Any, Any, Any, Any, None]):
    """An Application whose process_update raises a handler's exception.

    The library's own logs and ignores it, so its caller cannot tell success from failure.
    """

    async def process_error(
        self, update: object, error: Exception, job: Any = None, coroutine: Any = None
    ) -> bool:
        """Raise the error instead of swallowing it."""
        try:
            raise error
        finally:
            # Break the reference cycle of the error and this frame: it would keep the update in
            # memory until the next garbage collection (server/gc_tuning.py).
            del error


def build(
    client: BotClient,
    dialog: Dialog,
    *,
    limiter: BaseRateLimiter[Any],
    talks: Talks | None = None,
) -> BotApplication:
    """Build the Application of one bot; polling and scheduling are done elsewhere.

    Args:
        client: the bot's client of the Bot API.
        dialog: produces the bot's replies while it has no scenario.
        limiter: limits the library's own calls.
        talks: run the bot's scenario; None if it cannot have one.
    """
    request = BotRequest(client)
    builder = (
        ApplicationBuilder()
        .application_class(_Application)
        .token(client.token)
        .base_url(f"{client.api_url}/bot")
        .base_file_url(f"{client.api_url}/file/bot")
        .request(request)
        .get_updates_request(request)
        .updater(None)
        .update_queue(_NO_QUEUE)
        .job_queue(None)
        .rate_limiter(limiter)
    )
    application = builder.build()

    async def answer(turn: Turn, context: CallbackContext[Any, Any, Any, Any]) -> None:
        """Take a step of the scenario, or answer a text with the dialog's replies."""
        update = turn.update
        if talks is not None and talks.version:
            user = context.bot.bot
            me = Me(user.id, user.username or "", user.first_name)
            await talks.respond(update, me, turn.effects, at_once=turn.at_once)
            return
        if update.chat_id is None or (text := update.text) is None:
            return
        replies = dialog(TextMessage(text, update.first_name))
        for reply in replies:
            turn.effects.messages += outgoing_messages(update.chat_id, reply)

    application.add_handler(UpdateHandler(Turn, answer))
    return application
