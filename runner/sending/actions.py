"""Calls of Telegram about messages that were sent: edits and deletions."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from telegram.error import BadRequest, Forbidden, RetryAfter, TelegramError

from models.messaging.messages import Lane
from runner.errors import BotIsOff, TelegramRefused, TelegramUnreachable
from runner.sending.rate_limit import seconds_of
from runner.sending.sender import SenderContext
from runner.stop_signal import Stopped

PATIENCE = 10.0  # seconds that a request waits for Telegram's limits


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
        async with asyncio.timeout(PATIENCE):
            while True:
                context.stop.check()  # before a turn that would never come, and after one
                if counts:
                    await context.pacer.acquire(chat_id, Lane.OPERATOR)
                    context.stop.check()
                try:
                    await context.client.call_encoded(method, body)
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
