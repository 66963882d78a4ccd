"""The only place where a python-telegram-bot Application is built."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from telegram import Message, Update
from telegram.ext import AIORateLimiter, Application, ApplicationBuilder, CallbackContext
from telegram.ext import TypeHandler as UpdateHandler

from dialogs import echo
from dialogs.events import TextMessage
from runner.telegram.transport import BotRequest

BotApplication = Application[Any, Any, Any, Any, Any, None]

FLOOD_RETRIES = 5  # how often one call waits out a 429


class _Application(Application[Any, Any, Any, Any, Any, None]):
    """An Application whose process_update raises what a handler raised.

    The stock one logs it and goes on, so that who delivers updates cannot tell a handled one
    from a failed one.
    """

    async def process_error(
        self, update: object, error: Exception, job: Any = None, coroutine: Any = None
    ) -> bool:
        """Raise the error instead of swallowing it."""
        try:
            raise error
        finally:
            del error  # else it and this frame hold each other, and the update with them


class _Limiter(AIORateLimiter):
    """Lets getMe through: who starts a bot is to hear of a 429, not to wait behind it."""

    async def process_request(  # noqa: PLR0917 - the signature is BaseRateLimiter's
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: int | None,
    ) -> Any:
        """Send a request when it may be sent; see BaseRateLimiter."""
        if endpoint == "getMe":
            return await callback(*args, **kwargs)
        return await super().process_request(
            callback, args, kwargs, endpoint, data, rate_limit_args
        )


def build(token: str, *, request: BotRequest, api_url: str) -> BotApplication:
    """An Application for one bot, without Updater and without JobQueue: others poll and plan.

    Args:
        token: the bot's token.
        request: what it sends through.
        api_url: where the Bot API is.
    """
    limiter = _Limiter(max_retries=FLOOD_RETRIES)
    application = (
        ApplicationBuilder()
        .application_class(_Application)
        .token(token)
        .base_url(f"{api_url}/bot")
        .base_file_url(f"{api_url}/file/bot")
        .request(request)
        .get_updates_request(request)
        .updater(None)
        .job_queue(None)
        .rate_limiter(limiter)
        .build()
    )
    answer = _Answer(request, limiter, url=f"{api_url}/bot{token}/sendMessage")
    application.add_handler(UpdateHandler(Update, answer))
    return application


class _Answer:
    """Says what the bot's dialog says to a message.

    Not through Bot.send_message, which makes a Message of every answer that nobody looks at:
    a fifth of the CPU of a reply. The rate limiter is passed all the same.
    """

    def __init__(self, request: BotRequest, limiter: AIORateLimiter, *, url: str) -> None:
        self._request = request
        self._limiter = limiter
        self._url = url

    async def __call__(self, update: Update, context: CallbackContext[Any, Any, Any, Any]) -> None:
        # update.message only: an edited message is not a new one, and a channel's post is not
        # addressed to the bot
        message: Message | None = update.message
        if message is None or message.text is None:
            return
        name = message.from_user.first_name if message.from_user else ""
        for reply in echo.answer(TextMessage(message.text, name)):
            data = {"chat_id": message.chat_id, "text": reply.text}
            await self._limiter.process_request(
                callback=self._request.call,
                args=(self._url, data),
                kwargs={},
                endpoint="sendMessage",
                data=data,
                rate_limit_args=None,
            )
