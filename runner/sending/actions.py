"""Calls of Telegram about messages that were sent: edits and deletions."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from telegram.error import BadRequest, Forbidden, RetryAfter, TelegramError

from models.messaging.messages import Lane
from runner.errors import BotIsOff, TelegramRefused, TelegramUnreachable
from runner.sending.files import names_uploads
from runner.sending.rate_limit import seconds_of
from runner.sending.sender import SenderContext
from runner.stop_signal import Stopped

PATIENCE = 10.0  # seconds that a request waits for Telegram's limits
PATIENCE_WITH_FILES = 25.0  # proxies wait for 30


def patience(parameters: bytes) -> float:
    """Return how many seconds a request waits for a call.

    Args:
        parameters: of the call, as JSON.
    """
    return PATIENCE_WITH_FILES if names_uploads(parameters) else PATIENCE


async def call(
    context: SenderContext, chat_id: int, method: str, parameters: dict[str, Any], *, counts: bool
) -> None:
    """Make a call about a message, within Telegram's limits.

    Args:
        context: the objects that the bot's messages share.
        parameters: without the chat.
        counts: whether Telegram counts it as a message; edits do, deletions do not.

    Raises:
        BotIsOff: the bot is being stopped.
        TelegramRefused: Telegram does not accept it.
        TelegramUnreachable: Telegram did not carry it out, as far as is known.
    """
    body = orjson.dumps({"chat_id": chat_id, **parameters})
    if not context.is_running() or context.stop.is_set:
        raise BotIsOff
    try:
        async with asyncio.timeout(patience(body)):
            while True:
                context.stop.check()  # before a turn that would never come, and after one
                if counts:
                    await context.pacer.acquire(chat_id, Lane.OPERATOR)
                    context.stop.check()
                try:
                    await _call(context, method, body)
                    return
                except RetryAfter as error:
                    context.pacer.pause(chat_id, Lane.OPERATOR, seconds_of(error))
                    if not counts:
                        await context.stop.sleep(seconds_of(error))
    except Stopped:
        raise BotIsOff from None
    except BadRequest as error:
        if "message is not modified" not in error.message:
            raise TelegramRefused(error.message) from error
    except Forbidden as error:
        raise TelegramRefused(error.message) from error
    except TimeoutError:
        raise TelegramUnreachable("Telegram's limits on messages do not allow it yet") from None
    except TelegramError as error:
        raise TelegramUnreachable(error.message) from error


async def _call(context: SenderContext, method: str, body: bytes) -> None:
    if not names_uploads(body):
        await context.client.call_encoded(method, body)
        return
    await context.files.save(context.writer, await context.files.call(method, body))
