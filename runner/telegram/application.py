"""The only place where a python-telegram-bot Application is built."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from telegram.ext import Application, ApplicationBuilder, CallbackContext
from telegram.ext import TypeHandler as UpdateHandler

from dialogs.events import Dialog, TextMessage
from models.messaging.effects import Effects, OutgoingMessage
from runner.telegram.client import BotClient
from runner.telegram.request import BotRequest
from runner.updates.incoming import IncomingUpdate

BotApplication = Application[Any, Any, Any, Any, Any, None]


@dataclass(slots=True)
class Turn:
    """One update on its way through an Application, with the effects its handlers ask for.

    Applications dispatch it instead of a telegram.Update: nothing is parsed that nobody reads,
    and handlers can give something back.
    """

    update: IncomingUpdate
    effects: Effects = field(default_factory=Effects)


class _Application(Application[Any, Any, Any, Any, Any, None]):
    """An Application whose process_update raises what a handler raised.

    The stock one logs it and goes on, so the caller cannot tell success from failure.
    """

    async def process_error(
        self, update: object, error: Exception, job: Any = None, coroutine: Any = None
    ) -> bool:
        """Raise the error instead of swallowing it."""
        try:
            raise error
        finally:
            # It and this frame would hold each other, and the update with them, until the
            # garbage collector comes by (server/gc_tuning.py).
            del error


def build(client: BotClient, dialog: Dialog) -> BotApplication:
    """Build the Application of one bot; polling and scheduling are done elsewhere.

    Args:
        client: the bot's client of the Bot API.
        dialog: what the bot says.
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
        .job_queue(None)
    )
    if client.limiter is not None:
        builder = builder.rate_limiter(client.limiter)
    application = builder.build()

    async def answer(turn: Turn, context: CallbackContext[Any, Any, Any, Any]) -> None:
        """Have the dialog answer a text."""
        update = turn.update
        if update.chat_id is None or (text := update.text) is None:
            return
        replies = dialog(TextMessage(text, update.first_name))
        turn.effects.messages += [OutgoingMessage(update.chat_id, reply.text) for reply in replies]

    application.add_handler(UpdateHandler(Turn, answer))
    return application
