"""The only place where a python-telegram-bot Application is built."""

from __future__ import annotations

from typing import Any

from telegram import Message, Update
from telegram.ext import Application, ApplicationBuilder, CallbackContext
from telegram.ext import TypeHandler as UpdateHandler

from dialogs import echo
from dialogs.events import TextMessage
from runner.telegram.client import BotClient
from runner.telegram.request import BotRequest

BotApplication = Application[Any, Any, Any, Any, Any, None]


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
            del error  # else it and this frame hold each other, and the update with them


def build(client: BotClient) -> BotApplication:
    """Build the Application of one bot; polling and scheduling are done elsewhere.

    Args:
        client: the bot's client of the Bot API.
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
    application.add_handler(UpdateHandler(Update, _Answer(client)))
    return application


class _Answer:
    """Says what the bot's dialog says to a message."""

    def __init__(self, client: BotClient) -> None:
        self._client = client

    async def __call__(self, update: Update, context: CallbackContext[Any, Any, Any, Any]) -> None:
        # update.message only: an edited message is not a new one, and a channel's post is not
        # addressed to the bot
        message: Message | None = update.message
        if message is None or message.text is None:
            return
        name = message.from_user.first_name if message.from_user else ""
        for reply in echo.answer(TextMessage(message.text, name)):
            await self._client.send_message(message.chat_id, reply.text)
