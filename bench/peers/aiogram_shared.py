"""aiogram 3 with one session for all bots, polled by one dispatcher.

python bench/peers/aiogram_shared.py API_URL TOKENS_FILE [--uvloop]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message

dispatcher = Dispatcher()


@dispatcher.message(F.text)
async def echo(message: Message) -> None:
    """Say what was said."""
    await message.answer(message.text)


async def main(api_url: str, tokens: list[str]) -> None:
    """Run a bot for each token."""
    # No limit: by default a session has 100 connections, and a hundred bots that poll hold them
    # all, so that none is left to answer on.
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_url), limit=0)
    bots = [Bot(token, session=session) for token in tokens]
    await dispatcher.start_polling(*bots, handle_signals=False)


if __name__ == "__main__":
    if "--uvloop" in sys.argv:
        import uvloop

        run = uvloop.run
    else:
        run = asyncio.run
    run(main(sys.argv[1], Path(sys.argv[2]).read_text().split()))
